//! The colours: classes from Okabe and Ito (2008), sequential ramps for heat maps, greys for the rest.
//!
//! Class colours are told apart by people with any common colour vision deficiency; they are never the only sign of a class.
//! Cividis (Nuñez, Anderton and Renslow 2018) rises evenly in lightness and looks alike with and without red–green vision.

use plotters::style::RGBColor;

/// Text and strong lines.
pub(super) const INK: RGBColor = RGBColor(31, 35, 40);
/// Secondary text; 5.9 : 1 on white.
pub(super) const MUTED: RGBColor = RGBColor(92, 99, 108);
/// Axis lines and frames.
pub(super) const AXIS: RGBColor = RGBColor(140, 147, 156);
/// Grid lines.
pub(super) const GRID: RGBColor = RGBColor(228, 231, 235);
/// Areas without data and shaded ranges.
pub(super) const SHADE: RGBColor = RGBColor(243, 244, 246);
/// The background.
pub(super) const PAPER: RGBColor = RGBColor(255, 255, 255);

/// Text on dark cells. A hair off [`PAPER`]: a page that swaps paper and ink for its dark theme must not swap this.
const ON_DARK: RGBColor = RGBColor(254, 254, 254);

/// Okabe–Ito blue.
pub(super) const BLUE: RGBColor = RGBColor(0, 114, 178);
/// Okabe–Ito vermillion.
pub(super) const VERMILLION: RGBColor = RGBColor(213, 94, 0);
/// Okabe–Ito bluish green.
pub(super) const GREEN: RGBColor = RGBColor(0, 158, 115);
/// Okabe–Ito reddish purple.
pub(super) const PURPLE: RGBColor = RGBColor(204, 121, 167);

/// How many colours a ramp has: enough for the eye, few enough that equal neighbours can be drawn as one.
const STEPS: f64 = 64.0;

/// Cividis at nine even places.
const CIVIDIS: [RGBColor; 9] = [
    RGBColor(0, 34, 78),
    RGBColor(26, 56, 111),
    RGBColor(67, 78, 108),
    RGBColor(97, 101, 111),
    RGBColor(125, 124, 120),
    RGBColor(155, 149, 119),
    RGBColor(188, 175, 111),
    RGBColor(222, 203, 94),
    RGBColor(254, 232, 56),
];

/// White to deep blue. A share above zero starts at a tint that can be told from white.
const BLUES: [RGBColor; 5] = [
    RGBColor(222, 235, 245),
    RGBColor(158, 199, 226),
    RGBColor(83, 152, 200),
    RGBColor(0, 107, 168),
    RGBColor(4, 53, 92),
];

/// The cividis colour of a share in [0, 1].
pub(super) fn cividis(share: f64) -> RGBColor {
    ramp(&CIVIDIS, share)
}

/// The blue of a share in [0, 1]; nothing is white.
pub(super) fn blues(share: f64) -> RGBColor {
    if share <= 0.0 { PAPER } else { ramp(&BLUES, share) }
}

/// Every blue of the ramp with its stand-in on a dark page, both as `#rrggbb`.
///
/// A stand-in has the luminance that mirrors the blue's: its contrast with white is the blue's with black, and the reverse. So
/// where black and white ink change places too, every word stays as readable as it was, and little stays near the paper.
pub(crate) fn blues_in_the_dark() -> Vec<(String, String)> {
    let hex = |c: RGBColor| format!("#{:02x}{:02x}{:02x}", c.0, c.1, c.2);
    let [pale, light, middle, deep, dark] = BLUES;
    let path = [BLACK, dark, deep, middle, light, pale, PAPER];
    let mut pairs: Vec<(String, String)> = (0..=64)
        .map(|step| {
            let blue = ramp(&BLUES, f64::from(step) / STEPS);
            let wanted = 1.05 * 0.05 / (luminance(blue) + 0.05) - 0.05;
            // The path rises in luminance: halve it until a byte decides.
            let (mut low, mut high) = (0.0, 1.0);
            for _ in 0..20 {
                let half = f64::midpoint(low, high);
                if luminance(along(&path, half)) < wanted {
                    low = half;
                } else {
                    high = half;
                }
            }
            (hex(blue), hex(along(&path, high)))
        })
        .collect();
    pairs.dedup();
    pairs
}

/// A colour mixed with white: `part` of the colour, the rest white.
pub(super) fn tint(colour: RGBColor, part: f64) -> RGBColor {
    mix(PAPER, colour, part)
}

/// Text on coloured cells: only black and white together reach 4.5 : 1 on every colour.
const BLACK: RGBColor = RGBColor(0, 0, 0);

/// The ink that can be read on a colour: black or white, whichever has the greater contrast (WCAG 2 luminance); on bare paper
/// the ink of all other text.
pub(super) fn ink_on(colour: RGBColor) -> RGBColor {
    if colour == PAPER {
        return INK;
    }
    let own = luminance(colour);
    let dark = (own + 0.05) / 0.05;
    let light = 1.05 / (own + 0.05);
    if dark >= light { BLACK } else { ON_DARK }
}

fn luminance(colour: RGBColor) -> f64 {
    let linear = |channel: u8| {
        let c = f64::from(channel) / 255.0;
        if c <= 0.040_45 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * linear(colour.0) + 0.7152 * linear(colour.1) + 0.0722 * linear(colour.2)
}

fn ramp(stops: &[RGBColor], share: f64) -> RGBColor {
    along(stops, (share.clamp(0.0, 1.0) * STEPS).round() / STEPS)
}

/// The colour at a part of the way along stops.
fn along(stops: &[RGBColor], part: f64) -> RGBColor {
    let place = part * super::number::real(stops.len() - 1);
    let below = super::number::index(place.floor(), stops.len() - 1);
    let above = (below + 1).min(stops.len() - 1);
    mix(stops[below], stops[above], place - place.floor())
}

fn mix(from: RGBColor, to: RGBColor, part: f64) -> RGBColor {
    let channel = |a: u8, b: u8| {
        let value = f64::from(a) + (f64::from(b) - f64::from(a)) * part;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between two bytes, since part is in [0, 1]"
        )]
        let byte = value.round() as u8;
        byte
    };
    RGBColor(channel(from.0, to.0), channel(from.1, to.1), channel(from.2, to.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ramps_reach_their_ends_and_rise_in_lightness() {
        assert_eq!(cividis(0.0), CIVIDIS[0]);
        assert_eq!(cividis(1.0), CIVIDIS[8]);
        assert_eq!(blues(0.0), PAPER);
        assert_eq!(blues(1.0), BLUES[4]);
        assert_eq!(blues(7.0), BLUES[4]);
        let shares = (0..=64).map(|i| f64::from(i) / 64.0);
        let light: Vec<f64> = shares.map(|s| luminance(cividis(s))).collect();
        assert!(light.windows(2).all(|pair| pair[0] < pair[1] + 1e-3));
    }

    #[test]
    fn cells_in_the_dark_keep_their_contrast() {
        let colour = |text: &str| {
            let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
            RGBColor(byte(1), byte(3), byte(5))
        };
        for (blue, stand_in) in blues_in_the_dark() {
            let (ink, cell) = (ink_on(colour(&blue)), luminance(colour(&stand_in)));
            // Black ink is white there, and the reverse.
            let contrast = if ink == BLACK {
                1.05 / (cell + 0.05)
            } else {
                (cell + 0.05) / 0.05
            };
            assert!(contrast >= 4.4, "{blue} {stand_in}: {contrast}");
        }
    }

    #[test]
    fn text_on_every_cell_can_be_read() {
        for i in 0..=64 {
            let cell = blues(f64::from(i) / 64.0);
            let (a, b) = (luminance(cell), luminance(ink_on(cell)));
            let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            assert!(contrast >= 4.5, "{i}: {contrast}");
        }
    }
}
