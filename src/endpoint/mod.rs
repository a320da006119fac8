//! An OpenAI-compatible server: address and key, checked, and a client for it that keeps what a failure says.
//!
//! Shared by the remote encoder and by replay. Requests go through a service of our own below async-openai's client: a
//! failed answer keeps its status, its `Retry-After` and its message whatever its body looks like (an error code that is an
//! integer makes async-openai lose all three), and the retries are the caller's. The key comes from the environment and is
//! in no message.

mod failure;
mod secret;

pub(crate) use failure::{HttpFailure, broke_off, failure};
pub(crate) use secret::ApiKey;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;

/// The provider's own address.
pub const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";
/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// What is wrong with an address or its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EndpointProblem {
    /// No http(s) address.
    NoAddress,
    /// A user name, a password or a query stands in it.
    Credentials,
    /// The key would travel in clear to this host.
    Clear(String),
    /// Another machine is asked without a key.
    NoKey,
    /// No header can carry the key.
    BadKey,
}

/// An address, with the key that is sent to it.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    base_url: String,
    host: String,
    loopback: bool,
    key: ApiKey,
}

impl Endpoint {
    /// Checks address and key; an empty key is none, which a server on this machine may do without.
    pub(crate) fn new(base_url: &str, key: &str, allow_http: bool) -> Result<Self, EndpointProblem> {
        let address = Address::parse(base_url)?;
        let key = key.trim();
        if !address.https && !address.loopback && !key.is_empty() && !allow_http {
            return Err(EndpointProblem::Clear(address.host));
        }
        if key.is_empty() && !address.loopback {
            return Err(EndpointProblem::NoKey);
        }
        let key = ApiKey::new(key).ok_or(EndpointProblem::BadKey)?;
        Ok(Self {
            base_url: address.base_url,
            host: address.host,
            loopback: address.loopback,
            key,
        })
    }

    /// An address that is said to want no key.
    pub(crate) fn keyless(base_url: &str) -> Result<Self, EndpointProblem> {
        let address = Address::parse(base_url)?;
        Ok(Self {
            base_url: address.base_url,
            host: address.host,
            loopback: address.loopback,
            key: ApiKey::default(),
        })
    }

    /// Address up to and without the path of a call, no slash at its end.
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The key, to be sent and to be taken out of what is shown.
    pub(crate) fn key(&self) -> &ApiKey {
        &self.key
    }

    /// A client for it. No request is made.
    pub(crate) fn open(&self, timeout: Duration) -> Result<Server, String> {
        // A second installation of the same provider is refused, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder()
            .timeout(timeout)
            .connect_timeout(CONNECT)
            // Elsewhere than where it was told to go the key has no business.
            .redirect(reqwest::redirect::Policy::none());
        if self.loopback {
            // A proxy would look for the loopback address on its own machine, and see the key in clear.
            http = http.no_proxy();
        }
        let http = http.build().map_err(|e| e.to_string())?;
        let mut config = OpenAIConfig::new()
            .with_api_base(&self.base_url)
            .with_api_key(self.key.expose());
        if self.host != "api.openai.com" {
            // OPENAI_ORG_ID and OPENAI_PROJECT_ID are nobody else's business.
            config = config.with_org_id("").with_project_id("");
        }
        Ok(Server {
            // Its own retries are replaced together with its service, in `client`.
            client: Client::build(http.clone(), config),
            http,
        })
    }
}

/// An address as it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) base_url: String,
    pub(crate) host: String,
    pub(crate) https: bool,
    pub(crate) loopback: bool,
}

impl Address {
    /// Without a slash at its end; nothing secret may be in it.
    pub(crate) fn parse(base_url: &str) -> Result<Self, EndpointProblem> {
        let base = base_url.trim().trim_end_matches('/');
        let url = reqwest::Url::parse(base)
            .ok()
            .filter(|u| matches!(u.scheme(), "http" | "https"))
            .ok_or(EndpointProblem::NoAddress)?;
        let host = url.host_str().ok_or(EndpointProblem::NoAddress)?.to_owned();
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(EndpointProblem::Credentials);
        }
        Ok(Self {
            base_url: base.to_owned(),
            loopback: matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]"),
            https: url.scheme() == "https",
            host,
        })
    }
}

/// A client whose failures keep what the server said.
#[derive(Clone)]
pub(crate) struct Server {
    http: reqwest::Client,
    client: Client<OpenAIConfig>,
}

/// What an answer carries beside its body.
pub(crate) type RequestId = Arc<OnceLock<String>>;

impl Server {
    /// The client. The id that the provider gives the request goes to `heard`.
    pub(crate) fn client(&self, heard: Option<RequestId>) -> Client<OpenAIConfig> {
        let http = self.http.clone();
        let service = tower::service_fn(move |factory: HttpRequestFactory| {
            let (http, heard) = (http.clone(), heard.clone());
            async move {
                let mut request = factory.build().await?;
                if let Some(value) = request.headers_mut().get_mut(reqwest::header::AUTHORIZATION) {
                    value.set_sensitive(true);
                }
                let response = http.execute(request).await?;
                if let (Some(heard), Some(id)) = (heard, failure::header(response.headers(), "x-request-id")) {
                    // One request a client, as far as anybody asks for its id.
                    let _ = heard.set(id.to_owned());
                }
                if response.status().is_success() {
                    return Ok(response);
                }
                Err(OpenAIError::Boxed(Box::new(HttpFailure::of(response).await)))
            }
        });
        self.client.clone().with_http_service(service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_as_it_is_and_nothing_secret_may_be_in_it() {
        let address = Address::parse(" http://localhost:8080/v1/ ").unwrap();
        assert_eq!(address.base_url, "http://localhost:8080/v1");
        assert!(address.loopback && !address.https);
        for (url, problem) in [
            ("", EndpointProblem::NoAddress),
            ("models.example/v1", EndpointProblem::NoAddress),
            ("ftp://models.example", EndpointProblem::NoAddress),
            ("https://user:word@models.example", EndpointProblem::Credentials),
            ("https://models.example/v1?key=1", EndpointProblem::Credentials),
            ("https://models.example/v1#key", EndpointProblem::Credentials),
        ] {
            assert_eq!(Address::parse(url).unwrap_err(), problem, "{url}");
        }
    }

    #[test]
    fn a_key_goes_in_clear_only_where_that_is_allowed() {
        let new = |url: &str, key: &str, allow| Endpoint::new(url, key, allow).map(|_| ());
        let clear = EndpointProblem::Clear("10.0.0.7".into());
        assert_eq!(new("http://10.0.0.7/v1", "k", false), Err(clear));
        assert_eq!(new("http://10.0.0.7/v1", "k", true), Ok(()));
        assert_eq!(new("http://127.0.0.1/v1", "", false), Ok(()));
        assert!(Endpoint::keyless("http://10.0.0.7/v1").is_ok());
        assert!(Endpoint::keyless("http://user:word@10.0.0.7/v1").is_err());
        assert_eq!(new("https://models.example/v1", " ", true), Err(EndpointProblem::NoKey));
        assert_eq!(
            new("https://models.example/v1", "two words", false),
            Err(EndpointProblem::BadKey)
        );
    }
}
