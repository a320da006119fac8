//! When two prompts are the same: case, spaces and the punctuation of sentences make no other prompt.

/// Punctuation that only structures a sentence. Signs that carry meaning in code and arithmetic (`+ - * / = < > # %`) stay.
const SENTENCE: &[char] = &[
    ';', ':', '!', '?', '\'', '"', '“', '”', '‘', '’', '„', '«', '»', '`', '…', '(', ')', '[', ']', '¿', '¡', '。',
    '、', '！', '？', '，',
];

/// A prompt in lower case, single-spaced, without the punctuation of sentences; a point or a comma between two digits stays, a
/// hyphen after a letter (`e-mail`, `w-2`) goes. Where nothing would be left, the prompt in lower case without outer spaces.
///
/// ```
/// use routecal::lint::folded;
///
/// assert_eq!(folded("  What's the capital of France?"), folded("whats the Capital of france"));
/// assert_eq!(folded("where is my W-2"), folded("where is my w2"));
/// assert_ne!(folded("what is 3 + 4"), folded("what is 3 - 4"));
/// assert_ne!(folded("round 3.4"), folded("round 34"));
/// assert_eq!(folded("?!"), "?!");
/// ```
pub fn folded(prompt: &str) -> String {
    let characters: Vec<char> = prompt.chars().collect();
    let is = |i: Option<usize>, what: fn(&char) -> bool| i.and_then(|i| characters.get(i)).is_some_and(what);
    let goes = |i: usize, c: char| {
        let (before, after) = (i.checked_sub(1), Some(i + 1));
        match c {
            '.' | ',' => !(is(before, char::is_ascii_digit) && is(after, char::is_ascii_digit)),
            '-' => is(before, |c| c.is_alphabetic()) && is(after, |c| c.is_alphanumeric()),
            _ => SENTENCE.contains(&c),
        }
    };
    let kept: String = characters
        .iter()
        .enumerate()
        .filter(|(i, c)| !goes(*i, **c))
        .map(|(_, c)| *c)
        .collect();
    let words: Vec<&str> = kept.split_whitespace().collect();
    if words.is_empty() {
        return prompt.trim().to_lowercase();
    }
    words.join(" ").to_lowercase()
}
