//! `routecal completions` and `routecal man`: what a shell and `man` need, made from the same list of flags as `--help`.

use clap::CommandFactory as _;
use serde_json::json;

use crate::Error;
use crate::cli::args::{Cli, CompletionsArgs, ManArgs, PageStyle};
use crate::cli::printer::Printer;
use crate::error::nearest;
use crate::store::{self, write_atomically};

const NAME: &str = "routecal";
/// Columns of the help in Markdown.
const PAGE_WIDTH: usize = 100;

pub(in crate::cli) fn completions(printer: Printer, args: &CompletionsArgs) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), NAME, &mut script);
    print(printer, &script)
}

pub(in crate::cli) fn man(printer: Printer, args: &ManArgs) -> Result<(), Error> {
    let commands = every_command();
    if let Some(folder) = &args.all {
        let mut files = Vec::new();
        for command in &commands {
            let (ending, page) = match args.style {
                PageStyle::Roff => ("1", roff(command)?),
                PageStyle::Markdown => ("md", markdown(command).into_bytes()),
            };
            let file = format!("{}.{ending}", file_name(command));
            write_atomically(&folder.join(&file), &page)?;
            files.push(file);
        }
        let text = format!("wrote {} pages to {}\n", files.len(), folder.display());
        let document = json!({"kind": "pages", "folder": folder, "files": files});
        return printer.answer(|| store::json(&document), || text);
    }
    let wanted = args.subcommand.as_deref().unwrap_or_default();
    let command = commands.iter().find(|command| path(command) == wanted).ok_or_else(|| {
        let names: Vec<&str> = commands.iter().map(path).filter(|name| !name.is_empty()).collect();
        let hint = nearest(wanted, names.iter().copied()).map_or_else(
            || format!("there are {}", names.join(", ")),
            |name| format!("did you mean \"{name}\"?"),
        );
        Error::usage(format!("\"{wanted}\" is no subcommand"), hint)
    })?;
    match args.style {
        PageStyle::Roff => print(printer, &roff(command)?),
        PageStyle::Markdown => print(printer, markdown(command).as_bytes()),
    }
}

fn print(printer: Printer, text: &[u8]) -> Result<(), Error> {
    let text = String::from_utf8_lossy(text);
    printer.answer(
        || store::json(&json!({"kind": "page", "text": text})),
        || text.to_string(),
    )
}

/// The program and each of its subcommands, theirs included, in the order of the help. Each stands for itself: it is named in full and
/// knows the common flags.
fn every_command() -> Vec<clap::Command> {
    fn below(command: &clap::Command, all: &mut Vec<clap::Command>) {
        all.push(command.clone());
        for sub in command
            .get_subcommands()
            .filter(|sub| sub.get_name() != "help" && !sub.is_hide_set())
        {
            below(sub, all);
        }
    }
    // As wide as a page, whatever the terminal.
    let mut root = Cli::command().term_width(PAGE_WIDTH);
    // Names in full, and the global flags of the root, are set where arguments are about to be parsed.
    root.build();
    let mut all = Vec::new();
    below(&root, &mut all);
    all
}

/// The words behind `routecal`.
fn path(command: &clap::Command) -> &str {
    let full = command.get_bin_name().unwrap_or(NAME);
    full.strip_prefix(NAME).unwrap_or(full).trim_start()
}

fn file_name(command: &clap::Command) -> String {
    match path(command) {
        "" => NAME.to_owned(),
        path => format!("{NAME}-{}", path.replace(' ', "-")),
    }
}

fn roff(command: &clap::Command) -> Result<Vec<u8>, Error> {
    let name = file_name(command);
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone().display_name(name.clone()))
        .title(name)
        .source(format!("{NAME} {}", env!("CARGO_PKG_VERSION")))
        .render(&mut page)
        .map_err(Error::Output)?;
    Ok(page)
}

/// The long help of a command as a page.
fn markdown(command: &clap::Command) -> String {
    let mut command = command.clone();
    let title = match path(&command) {
        "" => NAME.to_owned(),
        path => format!("{NAME} {path}"),
    };
    let help = command.render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    format!(
        "# {title}\n\nMade by `routecal man --style markdown`.\n\n```text\n{}\n```\n",
        lines.join("\n").trim_end()
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// `docs/commands` is made by `routecal man --all docs/commands --style markdown`.
    #[test]
    fn the_pages_of_the_repository_are_those_of_the_flags() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands");
        let mut expected = Vec::new();
        for command in every_command() {
            let file = format!("{}.md", file_name(&command));
            let there = std::fs::read_to_string(folder.join(&file)).unwrap_or_default();
            assert_eq!(
                there,
                markdown(&command),
                "docs/commands/{file} is not what the flags are"
            );
            expected.push(file);
        }
        let mut found: Vec<String> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "a page of a command that is no more");
    }

    #[test]
    fn a_page_stands_for_itself() {
        let all = every_command();
        let collect = all.iter().find(|c| path(c) == "replay collect").unwrap();
        assert_eq!(file_name(collect), "routecal-replay-collect");
        let page = markdown(collect);
        assert!(
            page.starts_with("# routecal replay collect\n") && page.contains("--routes <FILE>"),
            "{page}"
        );
        let roff = String::from_utf8(roff(collect).unwrap()).unwrap();
        assert!(roff.contains(".TH routecal-replay-collect 1"), "{roff}");
    }
}
