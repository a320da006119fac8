//! From the SVG of plotters to the two files that are shipped.
//!
//! usvg turns text into outlines, so the picture needs no font; what it drops (title, description, the size in units) is put
//! back, and the PNG is drawn from the very text that is returned.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Indent, Options, Tree, WriteOptions};

use super::canvas::{Page, fine, printable};
use super::compact::compact;
use super::error::PlotError;
use super::{Drawing, fonts};

/// Pixels of the PNG to a unit of the picture.
const ZOOM: u16 = 2;

/// Makes the shipped SVG and its PNG.
pub(super) fn finish(sketch: &str, page: &Page, foreign: bool) -> Result<Drawing, PlotError> {
    let outlined = outline(sketch, foreign)?;
    let svg = dress(&outlined, page);
    let tree = Tree::from_str(&svg, &Options::default()).map_err(PlotError::Svg)?;
    let png = paint(&tree)?;
    Ok(Drawing {
        svg,
        png,
        title: printable(&page.title),
    })
}

/// Text to outlines. Corners of lines are rounded: a jagged curve has no spikes then.
fn outline(sketch: &str, foreign: bool) -> Result<String, PlotError> {
    let options = Options {
        font_family: fonts::FAMILY.to_owned(),
        font_resolver: fonts::resolver(),
        fontdb: fonts::database(foreign),
        ..Options::default()
    };
    let sketch = sketch.replacen("<svg ", "<svg stroke-linejoin=\"round\" ", 1);
    let tree = Tree::from_str(&sketch, &options).map_err(PlotError::Svg)?;
    Ok(tree.to_string(&WriteOptions {
        // `compact` rounds to whole cells of the fine grid.
        coordinates_precision: 1,
        transforms_precision: 4,
        indent: Indent::None,
        ..WriteOptions::default()
    }))
}

/// Puts size, role, title and description into the root element.
fn dress(outlined: &str, page: &Page) -> String {
    let body = outlined
        .find("<svg")
        .and_then(|start| outlined[start..].find('>').map(|end| start + end + 1))
        .map_or(outlined, |start| &outlined[start..]);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" \
         viewBox=\"0 0 {} {}\" role=\"img\" stroke-linejoin=\"round\">\n<title>{}</title>\n<desc>{}</desc>\n{}\n",
        page.width,
        page.height,
        fine(page.width),
        fine(page.height),
        escape(&printable(&page.title)),
        escape(&printable(&page.description)),
        compact(body),
    )
}

fn paint(tree: &Tree) -> Result<Vec<u8>, PlotError> {
    let size = tree.size().to_int_size();
    let (width, height) = (size.width() * u32::from(ZOOM), size.height() * u32::from(ZOOM));
    let failed = |source| PlotError::Png { width, height, source };
    let mut pixels = Pixmap::new(width, height).ok_or_else(|| failed(None))?;
    let zoom = f32::from(ZOOM);
    resvg::render(tree, Transform::from_scale(zoom, zoom), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| failed(Some(Box::new(error))))
}

/// A text as XML character data.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            c => escaped.push(c),
        }
    }
    escaped
}
