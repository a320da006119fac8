//! The model hub over HTTP(S): `<endpoint>/<repository>/resolve/<revision>/<file>`, streamed into the cache.
//!
//! Certificates are judged by the operating system's roots; proxies are those of the environment. Nothing waits for ever:
//! connecting, each read and the whole transfer have their limits.

use std::time::Duration;

use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

use crate::assets::error::{Failure, redact};
use crate::assets::install::Folder;
use crate::assets::manifest::{FileSpec, HubSource};
use crate::assets::progress::{Progress, Stage};

/// How long each phase may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Name resolution, and connecting with the TLS handshake.
    pub(super) connect: Duration,
    /// Silence on the line.
    pub(super) stall: Duration,
    /// One file as a whole.
    pub(super) total: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            stall: Duration::from_secs(30),
            total: Duration::from_hours(2),
        }
    }
}

/// A hub that can be asked for files.
pub(super) struct Hub {
    agent: Agent,
    endpoint: String,
}

impl Hub {
    /// The hub at `endpoint`.
    pub(super) fn new(endpoint: &str, limits: Limits) -> Self {
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let mut config = Agent::config_builder()
            .tls_config(tls)
            .timeout_resolve(Some(limits.connect))
            .timeout_connect(Some(limits.connect))
            .timeout_per_read(Some(limits.stall))
            .timeout_per_write(Some(limits.stall))
            .timeout_recv_response(Some(limits.stall))
            .timeout_global(Some(limits.total))
            .user_agent(concat!("routecal/", env!("CARGO_PKG_VERSION")));
        if is_loopback(endpoint) {
            // A proxy would look for the loopback address on its own machine.
            config = config.proxy(None);
        }
        Self {
            agent: config.build().new_agent(),
            endpoint: endpoint.trim_end_matches('/').to_owned(),
        }
    }

    /// The hub's name for reports, free of credentials.
    pub(super) fn label(&self) -> String {
        format!("model hub {}", redact(&self.endpoint))
    }

    /// Fetches `file` into `folder`.
    pub(super) fn fetch(
        &self,
        source: &HubSource,
        file: &FileSpec,
        folder: &Folder,
        progress: &dyn Progress,
    ) -> Result<(), Failure> {
        let HubSource { repository, revision } = source;
        let url = format!("{}/{repository}/resolve/{revision}/{}", self.endpoint, file.name);
        let _stage = Stage::begin(
            progress,
            &format!("{} {} from the hub", folder.asset(), file.name),
            Some(file.size),
        );
        let mut response = self.agent.get(&url).call().map_err(|error| failed(file, &error))?;
        // A sign-in page answers 200 too; refuse it before reading.
        if let Some(size) = response.body().content_length()
            && size != file.size
        {
            return Err(Failure::Source(format!(
                "{} has {size} bytes there, not the pinned {}",
                file.name, file.size
            )));
        }
        folder.receive(file, &mut response.body_mut().as_reader(), progress)
    }
}

fn failed(file: &FileSpec, error: &ureq::Error) -> Failure {
    let reason = match error {
        ureq::Error::StatusCode(status) => format!("{}: status {status}", file.name),
        ureq::Error::HostNotFound => "the host name does not resolve".to_owned(),
        ureq::Error::Timeout(phase) => format!("{}: no answer in time ({phase})", file.name),
        ureq::Error::Io(error) => format!("{}: {error}", file.name),
        other => format!("{}: {other}", file.name),
    };
    Failure::Source(redact(&reason))
}

/// Whether the address names this machine.
fn is_loopback(endpoint: &str) -> bool {
    let host = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    let host = host.split(['/', '?']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    host.starts_with("127.") || host.starts_with("[::1]") || host == "localhost" || host.starts_with("localhost:")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::fake_hub::{Answer, FakeHub};
    use crate::assets::progress::NoProgress;
    use crate::assets::testkit::{WEIGHTS, model_spec};

    const QUICK: Limits = Limits {
        connect: Duration::from_secs(2),
        stall: Duration::from_millis(200),
        total: Duration::from_secs(5),
    };

    fn fetch(answer: Answer) -> (Result<(), Failure>, bool) {
        let hub = FakeHub::start(vec![("model.safetensors", answer)]);
        let cache = tempfile::tempdir().unwrap();
        let folder = Folder::open(cache.path(), "m", &NoProgress).unwrap();
        let spec = model_spec();
        let result = Hub::new(&hub.endpoint, QUICK).fetch(&spec.hub.unwrap(), &spec.files[0], &folder, &NoProgress);
        let entries: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        let right = std::fs::read(folder.path().join("model.safetensors")).is_ok_and(|bytes| bytes == WEIGHTS);
        assert_eq!(
            entries.len(),
            usize::from(right),
            "nothing but the right file may be left"
        );
        (result, right)
    }

    fn refused(answer: Answer) -> String {
        match fetch(answer) {
            (Err(Failure::Source(reason)), false) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_good_file_arrives_also_by_way_of_a_redirect_and_without_a_length() {
        for answer in [
            Answer::Good(WEIGHTS.to_vec()),
            Answer::Redirect(WEIGHTS.to_vec()),
            Answer::NoLength(WEIGHTS.to_vec()),
        ] {
            let (result, right) = fetch(answer);
            result.unwrap();
            assert!(right);
        }
    }

    #[test]
    fn every_bad_answer_is_refused_with_its_reason() {
        let mut wrong = WEIGHTS.to_vec();
        wrong[5] ^= 1;
        assert!(refused(Answer::Good(wrong)).contains("not the pinned"));
        assert!(refused(Answer::Good(b"<html>sign in</html>".to_vec())).contains("20 bytes there"));
        assert!(refused(Answer::Status(404)).contains("status 404"));
        assert!(refused(Answer::CutAfter(WEIGHTS.to_vec(), 1000)).contains("after 1000 of"));
        let stalled = refused(Answer::StallAfter(WEIGHTS.to_vec(), 1000));
        assert!(
            stalled.contains("broke off after 1000") && stalled.contains("timeout"),
            "{stalled}"
        );
        assert!(refused(Answer::StallBeforeHeaders).contains("in time"));
        let mut long = WEIGHTS.to_vec();
        long.extend_from_slice(WEIGHTS);
        assert!(refused(Answer::NoLength(long)).contains("more than the pinned"));
    }

    #[test]
    fn loopback_addresses() {
        assert!(is_loopback("http://127.0.0.1:80/x"));
        assert!(is_loopback("http://u:p@localhost:80"));
        assert!(!is_loopback("https://localhost.example/x"));
    }
}
