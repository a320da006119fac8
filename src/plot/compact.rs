//! Makes the SVG that usvg writes a third of its size.
//!
//! Outlines of text are most of a picture. They are written with relative whole coordinates on the fine grid, repeated letters
//! left out, and paths of the same look that follow each other become one. The input is only ever usvg's own output,
//! whose few forms are known; a tag of any other form is copied.

use std::fmt::Write as _;

/// Writes the elements of usvg's output again, shorter.
pub(super) fn compact(body: &str) -> String {
    let mut out = String::with_capacity(body.len() / 2);
    let mut open: Vec<bool> = Vec::new();
    let mut look = String::new();
    let mut pen = Pen::default();
    let mut rest = body;
    while let Some(start) = rest.find('<') {
        let Some(length) = rest[start..].find('>') else {
            break;
        };
        let tag = &rest[start..=start + length];
        rest = &rest[start + length + 1..];
        if let Some((attributes, data)) = path(tag) {
            if attributes != look {
                flush(&mut out, &look, &mut pen);
                look = attributes;
            }
            pen.draw(data);
            continue;
        }
        match tag {
            // A group without attributes means nothing; its end is dropped too.
            "<g>" => open.push(false),
            "</g>" if open.pop() == Some(false) => {}
            _ => {
                flush(&mut out, &look, &mut pen);
                if tag.starts_with("<g ") && !tag.ends_with("/>") {
                    open.push(true);
                }
                out.push_str(tag);
            }
        }
    }
    flush(&mut out, &look, &mut pen);
    out
}

/// The attributes of a path but its data, and its data.
fn path(tag: &str) -> Option<(String, &str)> {
    let inner = tag.strip_prefix("<path ")?.strip_suffix("/>")?;
    let (before, after) = inner.split_once(" d=\"")?;
    let (data, after) = after.split_once('"')?;
    let mut look = format!("{before}{after}");
    // Both are what a path has anyway: the second from the root element.
    for known in [" stroke=\"none\"", " stroke-linejoin=\"round\""] {
        look = look.replace(known, "");
    }
    Some((look, data))
}

fn flush(out: &mut String, look: &str, pen: &mut Pen) {
    if !pen.text.is_empty() {
        let _ = writeln!(out, "<path {look} d=\"{}\"/>", pen.text);
        *pen = Pen::default();
    }
}

/// Writes path data; places are rounded before they are subtracted, so that rounding does not add up.
#[derive(Default)]
struct Pen {
    text: String,
    letter: char,
    at: (i64, i64),
    start: (i64, i64),
}

impl Pen {
    fn draw(&mut self, data: &str) {
        let mut words = data.split_ascii_whitespace();
        while let Some(word) = words.next() {
            let count = match word {
                "M" | "L" => 1,
                "Q" => 2,
                "C" => 3,
                "Z" => {
                    self.text.push('z');
                    self.letter = 'z';
                    self.at = self.start;
                    continue;
                }
                _ => continue,
            };
            let mut places = [(0, 0); 3];
            for place in places.iter_mut().take(count) {
                *place = (whole(words.next()), whole(words.next()));
            }
            self.segment(word, &places[..count]);
        }
    }

    fn segment(&mut self, word: &str, places: &[(i64, i64)]) {
        let end = places[places.len() - 1];
        let (dx, dy) = (end.0 - self.at.0, end.1 - self.at.1);
        match word {
            "M" => {
                self.command('m');
                self.number(dx);
                self.number(dy);
                self.start = end;
                // Numbers after a move are lines.
                self.letter = 'l';
            }
            "L" if dy == 0 => {
                self.command('h');
                self.number(dx);
            }
            "L" if dx == 0 => {
                self.command('v');
                self.number(dy);
            }
            _ => {
                self.command(word.to_ascii_lowercase().chars().next().unwrap_or('l'));
                for place in places {
                    self.number(place.0 - self.at.0);
                    self.number(place.1 - self.at.1);
                }
            }
        }
        self.at = end;
    }

    fn command(&mut self, letter: char) {
        if self.letter != letter || letter == 'm' {
            self.text.push(letter);
            self.letter = letter;
        }
    }

    fn number(&mut self, value: i64) {
        let fresh = self.text.ends_with(|c: char| c.is_ascii_alphabetic());
        // A minus sign parts two numbers as well as a space does.
        if !fresh && value >= 0 {
            self.text.push(' ');
        }
        let _ = write!(self.text, "{value}");
    }
}

/// A number of usvg's as a cell of the fine grid.
fn whole(word: Option<&str>) -> i64 {
    let value: f64 = word.and_then(|word| word.parse().ok()).unwrap_or(0.0);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "places on a picture are small; a cast from f64 saturates"
    )]
    let whole = value.round() as i64;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_one_look_become_one() {
        let body = concat!(
            "<g><path fill=\"#000000\" stroke=\"none\" d=\"M 1 2 L 3 2 L 3 4.4 Z\"/></g>",
            "<path fill=\"#000000\" stroke=\"none\" d=\"M 10 10 Q 11 9 12 10 Q 14 11 15 15\"/>",
            "<g opacity=\"0.5\"><path fill=\"#ffffff\" stroke=\"none\" d=\"M 0 0 L 1 1\"/></g></svg>",
        );
        assert_eq!(
            compact(body),
            concat!(
                "<path fill=\"#000000\" d=\"m1 2h2v2zm9 8q1-1 2 0 2 1 3 5\"/>\n",
                "<g opacity=\"0.5\"><path fill=\"#ffffff\" d=\"m0 0 1 1\"/>\n</g></svg>",
            )
        );
    }

    #[test]
    fn rounding_does_not_add_up() {
        let mut pen = Pen::default();
        let line: Vec<String> = (0..100).map(|i| format!("L {} 0.4", f64::from(i) * 1.4)).collect();
        pen.draw(&format!("M 0 0 {}", line.join(" ")));
        assert_eq!(pen.at, (139, 0));
    }
}
