//! The command that goes on with a run, to be pasted.

use std::fmt;

/// A command line: program and arguments, as they were typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommandLine(pub Vec<String>);

impl CommandLine {
    /// With a flag set to a value, instead of the one it has.
    #[must_use]
    pub fn with(mut self, flag: &str, value: &str) -> Self {
        let joined = format!("{flag}={value}");
        let prefix = format!("{flag}=");
        if let Some(at) = self.0.iter().position(|a| a.starts_with(&prefix)) {
            self.0[at] = joined;
        } else if let Some(at) = self.0.iter().position(|a| a == flag)
            && at + 1 < self.0.len()
        {
            value.clone_into(&mut self.0[at + 1]);
        } else {
            self.0.extend([flag.to_owned(), value.to_owned()]);
        }
        self
    }

    /// With a flag that has no value.
    #[must_use]
    pub fn with_switch(mut self, flag: &str) -> Self {
        if !self.0.iter().any(|a| a == flag) {
            self.0.push(flag.to_owned());
        }
        self
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, argument) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
            if !argument.is_empty() && argument.chars().all(plain) {
                f.write_str(argument)?;
            } else {
                write!(f, "'{}'", argument.replace('\'', r"'\''"))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_pasted_and_changed() {
        let of = |text: &str| CommandLine(text.split('|').map(str::to_owned).collect());
        let typed = of("routecal|replay|collect|my prompts.csv|--max-usd|1|--model|it's");
        assert_eq!(
            typed
                .clone()
                .with("--max-usd", "2.50")
                .with_switch("--retry-unknown")
                .to_string(),
            r"routecal replay collect 'my prompts.csv' --max-usd 2.50 --model 'it'\''s' --retry-unknown"
        );
        assert_eq!(of("r|--max-usd=1").with("--max-usd", "2").to_string(), "r --max-usd=2");
        assert_eq!(
            of("r|--yes").with("--max-usd", "2").with_switch("--yes").to_string(),
            "r --yes --max-usd 2"
        );
    }
}
