//! On which line of its file a record of CSV starts.

/// The lines on which the records of a CSV start. The reader's own positions are those before line ends and blank lines
/// are skipped: it takes the `\n` of a `\r\n` for the start of the next record.
pub(super) struct Lines<'t> {
    text: &'t [u8],
    /// Where the last record started, and on which line.
    at: usize,
    line: u64,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text: text.as_bytes(),
            at: 0,
            line: 1,
        }
    }

    /// 1-based line of the record that the reader found at `byte`; records come in order.
    pub(super) fn line_of(&mut self, byte: u64) -> u64 {
        let from = usize::try_from(byte).map_or(self.text.len(), |byte| byte.min(self.text.len()));
        let ends = self.text[from..].iter().take_while(|b| matches!(b, b'\r' | b'\n'));
        let start = from + ends.count();
        // Counted apart, so that the usual text, which has no returns, is counted many bytes at a time.
        let passed = &self.text[self.at..start];
        let newlines = memchr::memchr_iter(b'\n', passed).count();
        let mut lone = 0;
        if passed.contains(&b'\r') {
            let next = &self.text[self.at + 1..];
            lone = (passed.iter().enumerate())
                .filter(|(i, b)| **b == b'\r' && next.get(*i) != Some(&b'\n'))
                .count();
        }
        self.line += (newlines + lone) as u64;
        self.at = start;
        self.line
    }
}
