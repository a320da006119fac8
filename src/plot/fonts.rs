//! The bundled font: registered with plotters and with usvg, and measured for layout.
//!
//! The files and their licence lie in `fonts/`. A character that the font lacks is looked up in the fonts of the system, which
//! are read only then; without such a font the character is drawn as the bundled font's replacement box.

use std::sync::{Arc, OnceLock};

use ab_glyph::{Font, FontRef};
use plotters::style::{FontStyle, register_font};
use resvg::usvg::{FontResolver, fontdb};

/// The family name of the bundled font, in the SVG that plotters writes.
pub(super) const FAMILY: &str = "Routecal Sans";

static REGULAR: &[u8] = include_bytes!("fonts/RoutecalSans-Regular.ttf");
static SEMIBOLD: &[u8] = include_bytes!("fonts/RoutecalSans-SemiBold.ttf");

struct Faces {
    regular: FontRef<'static>,
    semibold: FontRef<'static>,
}

/// The two faces, parsed and made known to plotters once.
fn faces() -> Option<&'static Faces> {
    static FACES: OnceLock<Option<Faces>> = OnceLock::new();
    FACES
        .get_or_init(|| {
            register_font(FAMILY, FontStyle::Normal, REGULAR).ok()?;
            register_font(FAMILY, FontStyle::Bold, SEMIBOLD).ok()?;
            Some(Faces {
                regular: FontRef::try_from_slice(REGULAR).ok()?,
                semibold: FontRef::try_from_slice(SEMIBOLD).ok()?,
            })
        })
        .as_ref()
}

/// Makes the bundled font known to plotters.
pub(super) fn register() {
    let _ = faces();
}

/// Whether the bundled font has every character of a text.
pub(super) fn covers(text: &str) -> bool {
    faces().is_some_and(|faces| text.chars().all(|c| faces.regular.glyph_id(c).0 != 0))
}

/// The width of a text in the unit of `size`, the height of the em square.
///
/// A character that the font lacks counts as a whole em: right for Chinese, generous for most other scripts.
pub(super) fn width(text: &str, size: f64, bold: bool) -> f64 {
    let Some(faces) = faces() else {
        return 0.6 * size * super::number::real(text.chars().count());
    };
    let font = if bold { &faces.semibold } else { &faces.regular };
    let em = f64::from(font.units_per_em().unwrap_or(1000.0));
    let units: f64 = text
        .chars()
        .map(|c| match font.glyph_id(c) {
            glyph if glyph.0 == 0 => em,
            glyph => f64::from(font.h_advance_unscaled(glyph)),
        })
        .sum();
    units / em * size
}

/// Cuts a text to a width, with an ellipsis where something was cut.
pub(super) fn elide(text: &str, size: f64, bold: bool, room: f64) -> String {
    if width(text, size, bold) <= room {
        return text.to_owned();
    }
    let room = room - width("…", size, bold);
    let mut kept = String::new();
    let mut used = 0.0;
    for c in text.chars() {
        used += width(c.encode_utf8(&mut [0; 4]), size, bold);
        if used > room {
            break;
        }
        kept.push(c);
    }
    kept.truncate(kept.trim_end().len());
    kept.push('…');
    kept
}

/// Breaks a text into at most `limit` lines of a width, at spaces; the last line is cut where it does not fit.
pub(super) fn wrap(text: &str, size: f64, bold: bool, room: f64, limit: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let full = lines.len() >= limit;
        match lines.last_mut() {
            Some(line) if full || width(&format!("{line} {word}"), size, bold) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.iter().map(|line| elide(line, size, bold, room)).collect()
}

/// The fonts that usvg may use: the bundled ones, and those of the system where `foreign`.
pub(super) fn database(foreign: bool) -> Arc<fontdb::Database> {
    static BUNDLED: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    static WITH_SYSTEM: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let load = |foreign: bool| {
        let mut fonts = fontdb::Database::new();
        for face in [REGULAR, SEMIBOLD] {
            fonts.load_font_source(fontdb::Source::Binary(Arc::new(face)));
        }
        if foreign {
            fonts.load_system_fonts();
        }
        Arc::new(fonts)
    };
    let cell = if foreign { &WITH_SYSTEM } else { &BUNDLED };
    Arc::clone(cell.get_or_init(|| load(foreign)))
}

/// Chooses the font for a character that the bundled one lacks: upright, of near weight, sans before serif before
/// monospaced, and by name at last, so that the choice does not hang on the order of files in a folder.
pub(super) fn resolver() -> FontResolver<'static> {
    FontResolver {
        select_font: FontResolver::default_font_selector(),
        select_fallback: Box::new(|c, used, fonts| {
            let base = fonts.face(*used.first()?)?.weight.0;
            fonts
                .faces()
                .filter(|face| !used.contains(&face.id))
                .min_by_key(|face| {
                    let sans = face.families.iter().any(|(name, _)| name.contains("Sans"));
                    (
                        !has_char(fonts, face.id, c),
                        face.style != fontdb::Style::Normal,
                        face.stretch != fontdb::Stretch::Normal,
                        face.monospaced,
                        !sans,
                        face.weight.0.abs_diff(base),
                        face.post_script_name.clone(),
                    )
                })
                .filter(|face| has_char(fonts, face.id, c))
                .map(|face| face.id)
        }),
    }
}

fn has_char(fonts: &fontdb::Database, face: fontdb::ID, c: char) -> bool {
    fonts
        .with_face_data(face, |data, index| {
            ab_glyph::FontRef::try_from_slice_and_index(data, index).is_ok_and(|font| font.glyph_id(c).0 != 0)
        })
        .unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_faces_cover_what_the_figures_say() {
        for text in [
            "Where prompts went · n = 1,024",
            "≥ ≤ − × – … → ←",
            "Größe, żółć, модель, δοκιμή",
        ] {
            assert!(covers(text), "{text}");
        }
        assert!(!covers("编码"));
    }

    #[test]
    fn eliding_keeps_to_the_width() {
        let long = "a very long route name that nobody can read in one line";
        let cut = elide(long, 12.0, false, 100.0);
        assert!(cut.ends_with('…') && width(&cut, 12.0, false) <= 100.0, "{cut}");
        assert_eq!(elide("coding", 12.0, false, 100.0), "coding");
        assert_eq!(elide("编码编码编码编码编码", 10.0, false, 45.0), "编码编…");
        assert_eq!(elide("abc", 12.0, false, 1.0), "…");
    }

    #[test]
    fn wrapping_loses_no_word_that_fits() {
        assert_eq!(wrap("one two three", 12.0, false, 60.0, 2), ["one two", "three"]);
        assert!(wrap("", 12.0, false, 60.0, 2).is_empty());
        assert_eq!(wrap("aaaa bbbb cccc dddd", 12.0, false, 40.0, 1).len(), 1);
    }
}
