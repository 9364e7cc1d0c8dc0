// Classifies the drawing after each stroke. With #test, it draws strokes and classifies the digits in digits.bin.
const canvas = document.getElementById("canvas");
const context = canvas.getContext("2d", { willReadFrequently: true });
const result = document.getElementById("result");
let exports;

function clear() {
    context.fillStyle = "black";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.strokeStyle = "white";
    context.lineWidth = 22;
    context.lineCap = context.lineJoin = "round";
}

// The drawing as 28 × 28 pixels like those of MNIST: it fits into 20 × 20 pixels, and its center of mass is in the middle.
function pixels() {
    const { width, height } = canvas;
    const data = context.getImageData(0, 0, width, height).data;
    let [left, top, right, bottom] = [width, height, 0, 0];
    for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
            if (data[4 * (y * width + x)] > 127) {
                [left, top] = [Math.min(left, x), Math.min(top, y)];
                [right, bottom] = [Math.max(right, x + 1), Math.max(bottom, y + 1)];
            }
        }
    }
    if (right <= left) return null;
    const small = document.createElement("canvas");
    small.width = small.height = 28;
    const target = small.getContext("2d", { willReadFrequently: true });
    target.imageSmoothingQuality = "high";
    const scale = 20 / Math.max(right - left, bottom - top);
    const draw = (x, y) => {
        target.fillStyle = "black";
        target.fillRect(0, 0, 28, 28);
        const size = [(right - left) * scale, (bottom - top) * scale];
        target.drawImage(canvas, left, top, right - left, bottom - top, x - size[0] / 2, y - size[1] / 2, ...size);
        const found = target.getImageData(0, 0, 28, 28).data;
        return Float32Array.from({ length: 784 }, (_, at) => found[4 * at] / 255);
    };
    const first = draw(14, 14);
    let [sum, x, y] = [0, 0, 0];
    first.forEach((value, at) => {
        sum += value;
        x += value * (at % 28 + 0.5);
        y += value * (Math.floor(at / 28) + 0.5);
    });
    return draw(28 - x / sum, 28 - y / sum);
}

function classify(digit) {
    // The module may have moved its memory, so views are made for each call.
    new Float32Array(exports.memory.buffer, exports.digit(), 784).set(digit);
    const address = exports.classify();
    return new Float32Array(exports.memory.buffer, address, 10).slice();
}

function show() {
    const digit = pixels();
    if (!digit) return;
    const found = classify(digit);
    const best = found.indexOf(Math.max(...found));
    result.textContent = `${best} (${(100 * found[best]).toFixed(1)} %)`;
    return best;
}

function stroke(points) {
    context.beginPath();
    points.forEach(([x, y], at) => at ? context.lineTo(x, y) : context.moveTo(x, y));
    context.stroke();
}

function draw() {
    let before = null;
    const place = event => [event.offsetX, event.offsetY];
    canvas.onpointerdown = event => { before = place(event); };
    canvas.onpointermove = event => {
        if (before) stroke([before, before = place(event)]);
    };
    window.onpointerup = () => {
        if (before) show();
        before = null;
    };
    document.getElementById("clear").onclick = clear;
}

async function load() {
    const fetched = name => fetch(name).then(response => response.arrayBuffer());
    exports = (await WebAssembly.instantiate(await fetched("web.wasm"), {})).instance.exports;
    const model = new Uint8Array(await fetched("model.safetensors"));
    const address = exports.reserve(model.length);
    new Uint8Array(exports.memory.buffer, address, model.length).set(model);
    const length = exports.load();
    if (length) throw new Error(new TextDecoder().decode(new Uint8Array(exports.memory.buffer, exports.bytes(), length)));
    result.textContent = "";
    if (location.hash === "#test") test(new Float32Array(await fetched("digits.bin")));
}

// Shows the classes of three drawings, and then the bits of the probabilities of each digit, and requests a file with this text as
// its name, which the server logs.
function test(digits) {
    const circle = Array.from({ length: 41 }, (_, at) => [140 + 60 * Math.cos(at * Math.PI / 20), 140 + 90 * Math.sin(at * Math.PI / 20)]);
    const lines = [];
    for (const points of [circle, [[140, 40], [140, 240]], [[70, 60], [200, 60], [120, 240]]]) {
        clear();
        stroke(points);
        lines.push(`drawing: ${show()}`);
    }
    for (let at = 0; at < digits.length; at += 784) {
        const bits = new Uint32Array(classify(digits.subarray(at, at + 784)).buffer);
        lines.push(Array.from(bits, word => word.toString(16).padStart(8, "0")).join(" "));
    }
    report(lines.join("\n"));
}

function report(text) {
    document.getElementById("test").textContent = text;
    fetch("found?" + encodeURIComponent(text));
}

clear();
draw();
load().catch(error => {
    result.textContent = String(error);
    report(String(error));
});
