//! The REST protocols: members in the path, the query, headers, the status and the body.

mod header;
mod request;
mod response;

pub(crate) use header::write_headers;
pub(crate) use request::read;
pub(crate) use response::write;
