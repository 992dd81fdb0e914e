//! A small HTTP client for which every host name is this machine.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioExecutor;
use serde_json::Value as Json;
use tower::util::BoxCloneSyncService;

type Resolver = BoxCloneSyncService<Name, std::iter::Once<SocketAddr>, Infallible>;

/// Longer than any answer may take, a query without an end included.
const PATIENCE: Duration = Duration::from_secs(60);

/// A file of a form: its field, its name and its bytes.
pub type Upload<'a> = (&'a str, &'a str, &'a [u8]);

/// The client; clones share its connections.
#[derive(Clone)]
pub struct Http(Connections);

#[derive(Clone)]
enum Connections {
    Plain(Box<Client<HttpConnector<Resolver>, Full<Bytes>>>),
    /// Over TLS, too.
    Secure(reqwest::Client),
}

/// A complete answer.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Http {
    /// A client without connections.
    pub fn new() -> Http {
        let here = |_: Name| async { Ok(std::iter::once(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))) };
        let resolver = BoxCloneSyncService::new(tower::service_fn(here));
        let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new_with_resolver(resolver));
        Http(Connections::Plain(Box::new(client)))
    }

    /// A client that speaks TLS with whoever this root, in PEM, vouches for.
    pub fn trusting(root: &str) -> Http {
        // Whoever was first is as good.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let root = reqwest::Certificate::from_pem(root.as_bytes()).expect("a root in PEM");
        let client = reqwest::Client::builder()
            .tls_certs_only([root])
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(Here));
        Http(Connections::Secure(client.build().expect("a client")))
    }

    /// Sends a request with a JSON body, or none.
    ///
    /// # Errors
    /// What the connection ran into.
    pub async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<&Json>,
    ) -> Result<Answer, String> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let bytes = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        self.exchange(request.body(Full::new(bytes)).map_err(|error| error.to_string())?).await
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// What the connection ran into.
    pub async fn send_bytes(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Answer, String> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.exchange(request.body(Full::new(body)).map_err(|error| error.to_string())?).await
    }

    /// Sends JSON values and files as a form.
    ///
    /// # Errors
    /// What the connection ran into.
    pub async fn upload(
        &self,
        method: Method,
        url: &str,
        token: &str,
        values: &Json,
        files: &[Upload<'_>],
    ) -> Result<Answer, String> {
        const BOUNDARY: &str = "a-line-that-no-file-has";
        let part = |head: &str, content: &[u8]| {
            let head = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; {head}\r\n\r\n");
            [head.as_bytes(), content, b"\r\n"].concat()
        };
        let mut body = part("name=\"@jsonPayload\"", values.to_string().as_bytes());
        for (field, name, content) in files {
            body.extend(part(&format!("name=\"{field}\"; filename=\"{name}\""), content));
        }
        body.extend(format!("--{BOUNDARY}--\r\n").bytes());
        let request = Request::builder()
            .method(method)
            .uri(url)
            .header("authorization", token)
            .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
            .body(Full::new(Bytes::from(body)));
        self.exchange(request.map_err(|error| error.to_string())?).await
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, String> {
        let exchange = async {
            match &self.0 {
                Connections::Plain(client) => {
                    let response = client.request(request).await.map_err(|error| format!("{error:?}"))?;
                    let (head, body) = response.into_parts();
                    let body = body.collect().await.map_err(|error| format!("{error:?}"))?.to_bytes();
                    Ok(Answer { status: head.status, headers: head.headers, body })
                }
                Connections::Secure(client) => {
                    let (head, body) = request.into_parts();
                    let body = body.collect().await.map_err(|error| format!("{error:?}"))?.to_bytes();
                    let request = client.request(head.method, head.uri.to_string()).headers(head.headers).body(body);
                    let response = request.send().await.map_err(|error| format!("{error:?}"))?;
                    let (status, headers) = (response.status(), response.headers().clone());
                    let body = response.bytes().await.map_err(|error| format!("{error:?}"))?;
                    Ok(Answer { status, headers, body })
                }
            }
        };
        tokio::time::timeout(PATIENCE, exchange).await.map_err(|_| "no answer in time".to_owned())?
    }

    /// GET.
    pub async fn get(&self, url: &str) -> Answer {
        self.send(Method::GET, url, &[], None).await.expect("an answer")
    }

    /// POST with a JSON body.
    pub async fn post(&self, url: &str, body: &Json) -> Answer {
        self.send(Method::POST, url, &[], Some(body)).await.expect("an answer")
    }
}

/// Resolves every name to this machine.
struct Here;

impl reqwest::dns::Resolve for Here {
    fn resolve(&self, _name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let here = std::iter::once(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        Box::pin(async { Ok(Box::new(here) as reqwest::dns::Addrs) })
    }
}

impl Default for Http {
    fn default() -> Http {
        Http::new()
    }
}

impl Answer {
    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The stable code under `data.code`, if there is one.
    pub fn code(&self) -> String {
        self.json()["data"]["code"].as_str().unwrap_or_default().to_owned()
    }
}
