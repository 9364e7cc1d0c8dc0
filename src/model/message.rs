//! Messages between the members of an exchange.

/// A message: numbers and texts, which are read in the order in which they were written.
#[derive(Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    /// Appends an integer.
    pub(super) fn integer(mut self, number: u64) -> Message {
        self.0.extend(number.to_le_bytes());
        self
    }

    /// Appends a number.
    pub(super) fn number(self, number: f64) -> Message {
        self.integer(number.to_bits())
    }

    /// Appends bytes.
    pub(super) fn bytes(self, bytes: &[u8]) -> Message {
        let mut message = self.integer(bytes.len() as u64);
        message.0.extend(bytes);
        message
    }

    /// Appends a text.
    pub(super) fn text(self, text: &str) -> Message {
        self.bytes(text.as_bytes())
    }

    /// Appends another message.
    pub(super) fn append(mut self, other: &Message) -> Message {
        self.0.extend(&other.0);
        self
    }

    /// The message as bytes.
    pub(super) fn encoded(self) -> Vec<u8> {
        self.0
    }
}

/// Reads a message. Missing values are 0 or empty, as members of equal versions write all of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct MessageReader<'a>(pub(super) &'a [u8]);

impl<'a> MessageReader<'a> {
    /// Reads an integer.
    pub(super) fn integer(&mut self) -> u64 {
        let Some((bytes, rest)) = self.0.split_first_chunk() else { return 0 };
        self.0 = rest;
        u64::from_le_bytes(*bytes)
    }

    /// Reads a number.
    pub(super) fn number(&mut self) -> f64 {
        f64::from_bits(self.integer())
    }

    /// Reads bytes.
    pub(super) fn bytes(&mut self) -> &'a [u8] {
        let length = usize::try_from(self.integer()).unwrap_or(usize::MAX).min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes
    }

    /// Reads a text.
    pub(super) fn text(&mut self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_in_the_order_of_writing() {
        let bytes = Message::default().integer(7).text("µ").number(-0.0).bytes(&[1, 2]).encoded();
        let mut reader = MessageReader(&bytes);
        assert_eq!((reader.integer(), reader.text()), (7, "µ".to_owned()));
        assert_eq!((reader.number().to_bits(), reader.bytes()), ((-0.0f64).to_bits(), &[1, 2][..]));
        assert_eq!((reader.integer(), reader.text()), (0, String::new()));
    }
}
