//! Parsing a line: a class with settings.

use super::Problem;
use gradus::{Spec, SpecValue};

/// Maximum nesting depth of parts, which limits the stack.
const MAX_DEPTH: usize = 16;

/// Parses the spec in a line.
pub(super) fn parse(line: &str) -> Result<Spec, Problem> {
    let mut parser = Parser { line, at: 0 };
    let class = parser.word("a class")?;
    parser.expect('(', "\"(\"")?;
    let spec = parser.settings(class, 0)?;
    parser.skip_spaces();
    if parser.at < line.len() { Err(parser.expected("the end of the line")) } else { Ok(spec) }
}

struct Parser<'a> {
    line: &'a str,
    /// Position of the next character, in bytes.
    at: usize,
}

impl Parser<'_> {
    /// The settings of a class, up to the closing parenthesis.
    fn settings(&mut self, class: String, depth: usize) -> Result<Spec, Problem> {
        let mut spec = Spec::new(class);
        for (name, value) in self.list(')', "\",\" or \")\"", |parser| {
            let name = parser.word("the name of a setting")?;
            parser.expect('=', "\"=\"")?;
            Ok((name, parser.value(depth)?))
        })? {
            spec = spec.with(name, value);
        }
        Ok(spec)
    }

    /// The value of a setting: a string, a list, a part, a boolean, an integer or a number.
    fn value(&mut self, depth: usize) -> Result<SpecValue, Problem> {
        const ITEM: &str = "a number that fits the list";
        const COMMA: &str = "\",\" or \"]\"";
        self.skip_spaces();
        let (start, is_quoted) = (self.at, self.rest().starts_with('"'));
        let word = self.word("a value")?;
        if self.eat('(') {
            return match depth < MAX_DEPTH {
                true => Ok(SpecValue::Nested(self.settings(word, depth + 1)?)),
                false => Err(self.expected("fewer nested parts")),
            };
        }
        if is_quoted {
            return Ok(SpecValue::Str(word));
        }
        if self.eat('[') {
            return match &*word {
                "sizes" => self.list(']', COMMA, |parser| parser.number(ITEM)).map(SpecValue::UInts),
                "numbers" => self.list(']', COMMA, |parser| parser.number(ITEM)).map(SpecValue::Floats),
                "words" => self.list(']', COMMA, |parser| parser.word("a text")).map(SpecValue::Strs),
                _ => Err(self.expected("a list of sizes, numbers or words")),
            };
        }
        let integer = word.parse().map(SpecValue::UInt).or_else(|_| word.parse().map(SpecValue::Int));
        let value = word.parse().map(SpecValue::Bool).ok().or(integer.ok());
        value.or_else(|| word.parse().map(SpecValue::Float).ok()).ok_or_else(|| {
            self.at = start;
            self.expected("a value")
        })
    }

    /// Items separated by commas, up to `end`.
    fn list<T>(
        &mut self,
        end: char,
        separator: &'static str,
        mut item: impl FnMut(&mut Self) -> Result<T, Problem>,
    ) -> Result<Vec<T>, Problem> {
        let mut items = Vec::new();
        while !self.eat(end) {
            if !items.is_empty() {
                self.expect(',', separator)?;
            }
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn number<T: std::str::FromStr>(&mut self, expected: &'static str) -> Result<T, Problem> {
        self.skip_spaces();
        let start = self.at;
        self.word(expected)?.parse().map_err(|_| {
            self.at = start;
            self.expected(expected)
        })
    }

    /// A string in quotation marks, or everything up to the next punctuation.
    fn word(&mut self, expected: &'static str) -> Result<String, Problem> {
        self.skip_spaces();
        if self.eat('"') {
            return self.quoted();
        }
        let rest = self.rest();
        let end = rest.find(|letter: char| " \"()[]=,".contains(letter)).unwrap_or(rest.len());
        let word = rest[..end].to_owned();
        self.at += end;
        if word.is_empty() { Err(self.expected(expected)) } else { Ok(word) }
    }

    /// The rest of a string, up to the closing quotation mark.
    fn quoted(&mut self) -> Result<String, Problem> {
        let (mut text, mut is_escaped) = (String::new(), false);
        let rest = self.rest();
        for (at, letter) in rest.char_indices() {
            match letter {
                'n' if is_escaped => text.push('\n'),
                _ if is_escaped => text.push(letter),
                '\\' => {}
                '"' => {
                    self.at += at + 1;
                    return Ok(text);
                }
                _ => text.push(letter),
            }
            is_escaped = letter == '\\' && !is_escaped;
        }
        self.at = self.line.len();
        Err(self.expected("a closing quotation mark"))
    }

    fn eat(&mut self, letter: char) -> bool {
        self.skip_spaces();
        let found = self.rest().starts_with(letter);
        self.at += if found { letter.len_utf8() } else { 0 };
        found
    }

    fn expect(&mut self, letter: char, expected: &'static str) -> Result<(), Problem> {
        if self.eat(letter) { Ok(()) } else { Err(self.expected(expected)) }
    }

    fn skip_spaces(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches(' ').len();
    }

    fn rest(&self) -> &str {
        &self.line[self.at..]
    }

    fn expected(&self, expected: &'static str) -> Problem {
        Problem::Syntax { column: self.line[..self.at].chars().count() + 1, expected }
    }
}
