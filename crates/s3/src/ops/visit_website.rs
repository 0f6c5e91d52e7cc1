use serde::{Deserialize, Serialize};
use service::{Authorization, Context, Demand, Failure, IntoReply, Operation, Reply, ReplyStream, Result};
use wire::{Document, Map};

use crate::configuration::{self, WEBSITE};
use crate::website::routing::{self, Elsewhere, Visit};
use crate::website::{Website, no_such_website};
use crate::{S3, arn, bucket};

/// What somebody gets who visits a bucket's website. For the gateway alone; the caller is the visitor, who is asked
/// for his permission here.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct VisitWebsite {
    bucket: String,
    /// Decoded, without the slash before it.
    key: String,
    query: String,
    host: String,
    protocol: String,
    /// The input of GetObject, but for bucket and key: conditions and range.
    conditions: Map,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Answer {
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    /// The output of GetObject, where an object is answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<Document>,
    /// What went wrong, and then what went wrong with the error document.
    errors: Vec<Wrong>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Wrong {
    code: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket_name: Option<String>,
}

pub(crate) struct Visited {
    answer: Answer,
    stream: Option<ReplyStream>,
}

impl IntoReply for Visited {
    fn into_reply(self) -> Result<Reply> {
        Ok(Reply { stream: self.stream, ..self.answer.into_reply()? })
    }
}

impl Operation for VisitWebsite {
    type Service = S3;
    type Output = Visited;
    const NAME: &'static str = "VisitWebsite";

    async fn run(self, s3: &S3, cx: &Context) -> Result<Visited> {
        let website = match self.website(cx).await {
            Ok(website) => website,
            Err(failure) => return Visited::wrong(vec![failure]),
        };
        let visit = Visit { key: &self.key, query: &self.query, host: &self.host, protocol: &self.protocol };
        if let Some(elsewhere) = routing::before(&website, visit) {
            return Ok(elsewhere.into());
        }
        let failure = match self.object(s3, cx, &routing::key_of(&website, &self.key), true).await {
            Ok(reply) => return Visited::object(reply, 200),
            Err(failure) => failure,
        };
        let status = status_of(&failure);
        if status < 400 || status == 416 {
            return Visited::wrong(vec![failure]);
        }
        if status == 404
            && let Some(index) = routing::index_below(&website, &self.key)
            && self.object(s3, cx, &index, true).await.is_ok()
        {
            return Ok(routing::to_folder(visit).into());
        }
        if let Some(elsewhere) = routing::after(&website, visit, status) {
            return Ok(elsewhere.into());
        }
        let Some(document) = &website.error_document else { return Visited::wrong(vec![failure]) };
        match self.object(s3, cx, &document.key, false).await {
            Ok(reply) => Visited::object(reply, status),
            Err(second) => Visited::wrong(vec![failure, second]),
        }
    }
}

impl VisitWebsite {
    async fn website(&self, cx: &Context) -> Result<Website> {
        let bucket = bucket::load(cx, &self.bucket, None).await?;
        let website = configuration::get(cx, &bucket, WEBSITE).await?;
        Ok(website.ok_or_else(|| no_such_website(&bucket.name))?)
    }

    /// The object as the visitor may read it.
    async fn object(&self, s3: &S3, cx: &Context, key: &str, with_conditions: bool) -> Result<Reply> {
        let demands = vec![Demand::new("s3:GetObject", arn::object(&self.bucket, key))];
        let question = Authorization { cx, service: "s3", operation: "GetObject", demands };
        cx.platform().authorizer().authorize(question).await?;
        let mut input = if with_conditions { self.conditions.clone() } else { Map::default() };
        input.insert("Bucket".into(), self.bucket.as_str().into());
        input.insert("Key".into(), key.into());
        let get = wire::from_document::<super::GetObject>(Document::Map(input))
            .map_err(|error| Failure::new("InvalidArgument", 400, error.to_string()))?;
        get.run(s3, cx).await?.into_reply()
    }
}

impl Visited {
    fn object(reply: Reply, status: u16) -> Result<Visited> {
        let location = reply.document.get("WebsiteRedirectLocation").and_then(Document::as_str);
        if status == 200
            && let Some(location) = location.filter(|location| !location.is_empty())
        {
            return Ok(Elsewhere { status: 301, location: location.to_owned() }.into());
        }
        let status = match reply.document.get("ContentRange") {
            Some(_) if status == 200 => 206,
            _ => status,
        };
        let answer = Answer { status, object: Some(reply.document), ..Answer::default() };
        Ok(Visited { answer, stream: reply.stream })
    }

    fn wrong(failures: Vec<Failure>) -> Result<Visited> {
        let status = failures.first().map_or(500, status_of);
        let mut errors = Vec::with_capacity(failures.len());
        for failure in failures {
            let Failure::Modelled(reply) = failure else { return Err(failure) };
            let text = |name: &str| reply.members.get(name).and_then(Document::as_str).map(str::to_owned);
            let (key, bucket_name) = (text("Key"), text("BucketName"));
            errors.push(Wrong { code: reply.code, message: reply.message, key, bucket_name });
        }
        Ok(Visited { answer: Answer { status, errors, ..Answer::default() }, stream: None })
    }
}

impl From<Elsewhere> for Visited {
    fn from(Elsewhere { status, location }: Elsewhere) -> Self {
        let answer = Answer { status, location: Some(location), ..Answer::default() };
        Visited { answer, stream: None }
    }
}

fn status_of(failure: &Failure) -> u16 {
    match failure {
        Failure::Modelled(reply) => reply.status.unwrap_or(400),
        Failure::Internal(_) => 500,
    }
}
