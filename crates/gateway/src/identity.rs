//! Whose request it is: account, region and principal, with the signature checked where there is something to
//! check it with.

use std::sync::Arc;

use auth::{Claim, Dialect, Session, SessionDetail, SessionKind, SignatureError, SignedRequest};
use bytes::Bytes;
use ring::digest;
use service::{AccountId, Caller, CallerSession, Failure, Mode, Principal, Region, Scope};
use wire::Protocol;

use crate::Gateway;
use crate::credential::Credential;
use crate::request::{Request, header};

pub(crate) struct Identity {
    pub(crate) scope: Scope,
    pub(crate) caller: Caller,
    /// `None` where no signature was checked.
    pub(crate) proof: Option<Proof>,
}

/// A signature that was verified, for what it signs beyond the request's head.
pub(crate) struct Proof {
    pub(crate) claim: Claim,
    pub(crate) secret: String,
}

/// What the signature covers.
pub(crate) enum Payload<'a> {
    Whole(&'a Bytes),
    /// It is read later and checks itself.
    Stream,
}

/// Whether the operation may be called without a signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsigned {
    Allowed,
    Refused,
}

impl Gateway {
    /// In development any key is accepted and means its account if it has twelve digits, else the default one;
    /// signatures are checked for keys that this installation issued, because only their secrets are known.
    pub(crate) fn identify(
        &self,
        request: &Request,
        credential: Option<&Credential>,
        payload: Payload<'_>,
        unsigned: Unsigned,
    ) -> Result<Identity, SignatureError> {
        let mode = self.platform().mode();
        let Some(credential) = credential else {
            return match (mode, unsigned) {
                (Mode::Dev, Unsigned::Refused) => Ok(identity(
                    request,
                    None,
                    Principal::Root { account: AccountId::default() },
                    Region::default(),
                )),
                (_, Unsigned::Allowed) => Ok(identity(
                    request,
                    None,
                    Principal::Anonymous { account: AccountId::default() },
                    Region::default(),
                )),
                (Mode::Secure, Unsigned::Refused) => Err(SignatureError::Missing),
            };
        };
        let region = Region::parse(&credential.region).unwrap_or_default();
        let key = Some(credential.access_key_id.clone());
        if self.issuer().is_ours(&credential.access_key_id) {
            let (session, proof) = self.verified(request, payload)?;
            let detail = session.detail.clone();
            let mut found = identity(request, key, principal(session)?, region);
            found.caller.session = Some(Arc::new(caller_session(detail)));
            return Ok(Identity { proof: Some(proof), ..found });
        }
        match mode {
            Mode::Dev => {
                let account = AccountId::parse(&credential.access_key_id).unwrap_or_default();
                Ok(identity(request, key, Principal::Root { account }, region))
            }
            Mode::Secure => Err(SignatureError::UnknownKey),
        }
    }

    /// The session behind a key of ours, after its signature was checked.
    fn verified(&self, request: &Request, payload: Payload<'_>) -> Result<(Session, Proof), SignatureError> {
        let now_epoch_millis = self.platform().clock().now().epoch_millis();
        let claim = auth::claim(request.headers(), request.query())?.ok_or(SignatureError::UnknownKey)?;
        let token = claim.session_token().ok_or(SignatureError::UnknownKey)?;
        let (session, secret) = self.issuer().read(claim.access_key_id(), token, now_epoch_millis)?;
        let body_sha256_hex = match payload {
            Payload::Whole(bytes) => Some(hex::encode(digest::digest(&digest::SHA256, bytes))),
            Payload::Stream => None,
        };
        let signed = SignedRequest {
            method: request.method().as_str(),
            path: request.path(),
            query: request.query(),
            headers: request.headers(),
            body_sha256_hex: body_sha256_hex.as_deref(),
        };
        auth::verify(&claim, &signed, &secret, now_epoch_millis)?;
        Ok((session, Proof { claim, secret }))
    }
}

/// The failure as clients of the protocol know it.
pub(crate) fn refused(error: &SignatureError, service: &str, protocol: Protocol) -> Failure {
    let dialect = match protocol {
        Protocol::RestXml if service == "s3" || service == "s3control" => Dialect::S3,
        Protocol::Query | Protocol::Ec2Query | Protocol::RestXml => Dialect::Query,
        Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RestJson | Protocol::RpcV2Cbor => Dialect::Json,
    };
    Failure::new(error.code(dialect), error.status(dialect), error.to_string())
}

fn identity(
    request: &Request,
    access_key_id: Option<String>,
    principal: Principal,
    region: Region,
) -> Identity {
    let user_agent = header(request.headers(), &http::header::USER_AGENT);
    Identity {
        scope: Scope { account: principal.account().clone(), region },
        caller: Caller {
            principal,
            access_key_id,
            source_address: request.peer.address,
            user_agent: (!user_agent.is_empty()).then(|| user_agent.to_owned()),
            session: None,
        },
        proof: None,
    }
}

fn principal(session: Session) -> Result<Principal, SignatureError> {
    let account = AccountId::parse(&session.account).ok_or(SignatureError::UnknownKey)?;
    Ok(match session.kind {
        SessionKind::Root => Principal::Root { account },
        SessionKind::User { name, unique_id, path } => Principal::User { account, name, unique_id, path },
        SessionKind::FederatedUser { name, user_name, user_path, user_id } => {
            Principal::FederatedUser { account, name, user_name, user_path, user_id }
        }
        SessionKind::AssumedRole { role_name, role_arn, role_id, session_name } => {
            Principal::AssumedRole { account, role_name, role_arn, role_id, session_name }
        }
    })
}

fn caller_session(detail: SessionDetail) -> CallerSession {
    CallerSession {
        issued_epoch_millis: detail.issued_epoch_millis,
        policy: detail.policy,
        policy_arns: detail.policy_arns,
        tags: detail.tags,
        transitive_tag_keys: detail.transitive_tag_keys,
        source_identity: detail.source_identity,
        provider: detail.provider,
    }
}
