//! The front door: HTTP connections in, operations of services out, and the sites that are not AWS APIs
//! (function URLs, code downloads, health, reset).
//!
//! [`Gateway::serve`] accepts HTTP/1.1 and HTTP/2 with prior knowledge on one port, with or without TLS. The steps
//! that an API request takes are one function: see `api.rs`. Everything it needs to know of a service it reads from
//! the API model; this crate must not know the insides of any service.

mod answer;
mod api;
mod body;
mod body_checksum;
mod bucket_cors;
mod connection;
mod cors;
mod credential;
mod endpoint;
mod enforcement;
mod gateway;
mod hosts;
mod identify;
mod identity;
pub mod limits;
mod refusal;
mod request;
mod sites;
mod sources;
mod upload;

#[cfg(test)]
mod tests;

pub use enforcement::Enforcer;
pub use gateway::{Gateway, GatewayParts, PlainConnections, WeakGateway};
pub use hosts::AllowedHosts;
pub use sources::SourceLimits;
