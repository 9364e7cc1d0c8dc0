//! Self-contained HTML pages.

use super::Picture;
use super::svg::escape;
use crate::error::Result;
use crate::files::write_whole;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::fmt::Display;
use std::path::Path;

/// A self-contained HTML page to which elements are appended.
///
/// Pictures and charts are embedded. The page has no script, and its content security policy forbids every request, so it
/// can be read offline. It adapts to the width of the screen and to the reader's light or dark theme.
///
/// ```
/// use gradus::report::Page;
/// let mut page = Page::new("A small run");
/// page.heading("Results").text("accuracy: 0.97").table(&["class", "recall"], &[["0", "0.99"], ["1", "0.95"]]);
/// assert!(page.to_html().contains("<h2>Results</h2>"));
/// ```
#[derive(Clone, Debug)]
pub struct Page {
    title: String,
    body: String,
}

const STYLE: &str = include_str!("page.css");

impl Page {
    /// Creates a page with a title.
    pub fn new(title: impl Display) -> Page {
        Page { title: escape(&title.to_string()), body: String::new() }
    }

    /// Begins a section.
    pub fn heading(&mut self, text: impl Display) -> &mut Page {
        self.element("h2", text)
    }

    /// Adds a paragraph.
    pub fn text(&mut self, text: impl Display) -> &mut Page {
        self.element("p", text)
    }

    /// Adds preformatted text, such as an array or a model summary. Consecutive calls share one block.
    pub fn preformatted(&mut self, text: impl Display) -> &mut Page {
        if let Some(before) = self.body.strip_suffix("</pre>\n") {
            self.body.truncate(before.len());
            return self.add(format!("\n{}</pre>", escape(&text.to_string())));
        }
        self.element("pre", text)
    }

    /// Adds a table. Rows may have fewer or more cells than the header.
    pub fn table<const N: usize, T: Display>(&mut self, header: &[&str], rows: &[[T; N]]) -> &mut Page {
        let line = |tag: &str, cells: Vec<String>| {
            let cells: String = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect();
            format!("<tr>{cells}</tr>")
        };
        let head = line("th", header.iter().map(|cell| (*cell).to_owned()).collect());
        let body: String = rows.iter().map(|row| line("td", row.iter().map(T::to_string).collect())).collect();
        self.add(format!("<div class=\"scroll\"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>"))
    }

    /// Adds a list of names and values, such as settings.
    pub fn properties(&mut self, properties: &[(&str, String)]) -> &mut Page {
        let line = |(name, value): &(&str, String)| format!("<dt>{}</dt><dd>{}</dd>", escape(name), escape(value));
        let lines: String = properties.iter().map(line).collect();
        self.add(format!("<dl>{lines}</dl>"))
    }

    /// Adds a chart, given as the SVG that its `to_svg` returns.
    pub fn svg(&mut self, svg: &str) -> &mut Page {
        self.add(format!("<figure class=\"chart\">{svg}</figure>"))
    }

    /// Adds pictures side by side, each with a caption.
    pub fn pictures(&mut self, pictures: &[(Picture, String)]) -> &mut Page {
        let figures: String = pictures.iter().map(|(picture, caption)| figure(picture, caption)).collect();
        self.add(format!("<div class=\"pictures\">{figures}</div>"))
    }

    /// Adds a picture next to a chart, such as a digit and its class probabilities.
    pub fn picture_beside(&mut self, picture: &Picture, caption: &str, svg: &str) -> &mut Page {
        let figure = figure(picture, caption);
        self.add(format!("<div class=\"beside\">{figure}<figure class=\"chart\">{svg}</figure></div>"))
    }

    /// Renders the page as HTML, which is also well-formed XML.
    pub fn to_html(&self) -> String {
        let Page { title, body } = self;
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\"/>\n\
             <link rel=\"icon\" href=\"data:,\"/>\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n\
             <body>\n<main>\n<h1>{title}</h1>\n{body}</main>\n</body>\n</html>\n"
        )
    }

    /// Writes the page to a file atomically.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        write_whole(path.as_ref(), self.to_html().as_bytes())
    }

    fn element(&mut self, tag: &str, text: impl Display) -> &mut Page {
        self.add(format!("<{tag}>{}</{tag}>", escape(&text.to_string())))
    }

    fn add(&mut self, html: String) -> &mut Page {
        self.body.push_str(&html);
        self.body.push('\n');
        self
    }
}

fn figure(picture: &Picture, caption: &str) -> String {
    let (data, caption) = (BASE64_STANDARD.encode(picture.to_png()), escape(caption));
    let (width, height) = (picture.width(), picture.height());
    format!(
        "<figure><img src=\"data:image/png;base64,{data}\" alt=\"{caption}\" width=\"{width}\" height=\"{height}\"/>\
         <figcaption>{caption}</figcaption></figure>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page as XML, without the document type of HTML.
    fn xml(page: &Page) -> String {
        page.to_html().replacen("<!DOCTYPE html>\n", "", 1)
    }

    #[test]
    fn pages_are_well_formed_and_self_contained_for_hostile_text() {
        let hostile = "</p><script src=\"http://nowhere\">&amp; \u{1} ]]> 'x'";
        let picture = Picture::new(&ndarray::arr2(&[[0.0, 1.0], [0.5, 0.25]])).unwrap();
        let mut page = Page::new(hostile);
        page.heading(hostile)
            .text(hostile)
            .preformatted(hostile)
            .preformatted(hostile)
            .table(&[hostile], &[[hostile, "2"]]);
        page.properties(&[(hostile, hostile.into())]);
        page.pictures(&[(picture.clone(), hostile.into())]).picture_beside(&picture, hostile, "<svg/>");
        let text = xml(&page);
        let document = roxmltree::Document::parse(&text).unwrap();
        let tags: Vec<&str> = document.descendants().map(|node| node.tag_name().name()).collect();
        assert!(!tags.contains(&"script") && tags.iter().filter(|tag| **tag == "img").count() == 2);
        for node in document.descendants() {
            for attribute in node.attributes().filter(|attribute| ["src", "href"].contains(&attribute.name())) {
                assert!(attribute.value().starts_with("data:"), "{}", attribute.value());
            }
        }
    }
}
