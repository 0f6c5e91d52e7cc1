//! The end of an upload: its parts become an object.

use service::{Context, Result};

use super::{PART_BYTES_MIN, State, etag_of};
use crate::bucket::Bucket;
use crate::error::{self, Error};
use crate::events::Cause;
use crate::integrity::{self, Sum, composite};
use crate::limits::OBJECT_BYTES_MAX;
use crate::object::{Checksum, ChecksumKind, Content, Object, Part, encode_parts};
use crate::versions::{self, Draft, Target, Written};
use crate::{S3, tables};

/// One part as the request that completes an upload names it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claimed {
    pub(crate) number: Option<i64>,
    pub(crate) etag: Option<String>,
    pub(crate) sums: Vec<Sum>,
}

/// What the request says of the whole.
#[derive(Debug, Default)]
pub(crate) struct Completed<'a> {
    pub(crate) parts: &'a [Claimed],
    pub(crate) sums: Vec<Sum>,
    pub(crate) checksum_type: Option<&'a str>,
    pub(crate) size: Option<i64>,
}

/// Makes the object. `condition` looks at what is there and may refuse.
pub(crate) async fn complete(
    s3: &S3,
    cx: &Context,
    target: Target<'_>,
    id: &str,
    completed: Completed<'_>,
    condition: impl Fn(&Bucket, Option<&Object>, &mut Object) -> Result<()>,
) -> Result<Written> {
    let state = match State::read(cx, target, id).await {
        Err(failure) if failure.code() == "NoSuchUpload" => {
            return completed_before(cx, target, id, completed.parts).await?.ok_or(failure);
        }
        state => state?,
    };
    let parts = chosen(&state.parts().await?, completed.parts, state.upload.object.checksum.as_ref())?;
    let list = cx.platform().ids().bytes::<16>();
    let mut object = state.upload.object.clone();
    object.size = parts.iter().map(|part| part.piece.size).sum();
    if object.size > OBJECT_BYTES_MAX {
        let text = "Your proposed upload exceeds the maximum allowed size";
        return Err(Error::new("EntityTooLarge", 400, text).into());
    }
    if completed.size.is_some_and(|size| u64::try_from(size) != Ok(object.size)) {
        let text = "The provided 'x-amz-mp-object-size' header value does not match what was computed.";
        return Err(error::invalid_request(text).into());
    }
    object.etag = etag_of(parts.iter().map(|part| part.md5));
    object.parts = u32::try_from(parts.len()).unwrap_or(u32::MAX);
    object.content = Content::Parts(list);
    object.upload = upload_bytes(id);
    object.checksum = checksum(&state.upload.object, &parts, &completed)?;
    let rows = encode_parts(&parts);
    let upload_row = tables::upload(&state.found.bucket, target.key, id);
    let version = state.upload.version;
    let draft = Draft { object, cause: Cause::CompleteMultipartUpload };
    // An upload that ended meanwhile makes every attempt fail: see below.
    let written = versions::write(s3, cx, target, draft, condition, |bucket, commit| {
        commit
            .check_version(upload_row.clone(), Some(version))
            .put(tables::list_of_parts(&bucket.owner, &list), rows.clone())
            .delete(upload_row.clone())
            .put(tables::ended(&bucket.owner, id), list.to_vec())
    });
    let written = match written.await {
        Err(failure) if failure.code() == "OperationAborted" => {
            // Somebody else completed or aborted it, or there really was a crowd.
            State::read(cx, target, id).await?;
            return Err(failure);
        }
        outcome => outcome?,
    };
    s3.clear_soon();
    Ok(written)
}

/// What completing the same upload with the same parts made before, as long as it is the latest version.
async fn completed_before(
    cx: &Context,
    target: Target<'_>,
    id: &str,
    claimed: &[Claimed],
) -> Result<Option<Written>> {
    let Some(upload) = upload_bytes(id) else { return Ok(None) };
    let state = versions::State::read(cx, target).await?;
    let Some(object) = state.current.map(|row| row.object) else { return Ok(None) };
    let parts = claimed.iter().map(|part| {
        let etag = part.etag.as_deref().unwrap_or_default();
        hex::decode(etag.trim_matches('"')).unwrap_or_default()
    });
    let is_same = object.upload == Some(upload) && object.etag == etag_of(parts);
    Ok(is_same.then_some(Written { bucket: state.found.bucket, object }))
}

fn upload_bytes(id: &str) -> Option<[u8; 16]> {
    hex::decode(id).ok()?.try_into().ok()
}

/// The parts that were named, in their order.
fn chosen(parts: &[Part], claimed: &[Claimed], checksum: Option<&Checksum>) -> Result<Vec<Part>> {
    if claimed.is_empty() {
        return Err(error::malformed_xml().into());
    }
    let mut chosen: Vec<Part> = Vec::with_capacity(claimed.len());
    for claim in claimed {
        let (Some(number), Some(etag)) = (claim.number, claim.etag.as_deref()) else {
            return Err(error::malformed_xml().into());
        };
        if chosen.last().is_some_and(|last| i64::from(last.number) >= number) {
            let text = "The list of parts was not in ascending order. Parts must be ordered by part number.";
            return Err(Error::new("InvalidPartOrder", 400, text).into());
        }
        if let Some(Checksum { algorithm, kind: ChecksumKind::Composite, .. }) = checksum
            && claim.sums.is_empty()
        {
            let name = algorithm.name().to_ascii_lowercase();
            let text = format!(
                "The upload was created using a {name} checksum. The complete request must include the checksum for each \
                 part. It was missing for part {number} in the request."
            );
            return Err(error::invalid_request(text).into());
        }
        let found = parts.iter().find(|part| i64::from(part.number) == number);
        let found = found.filter(|part| etag.trim_matches('"') == part.etag());
        let kept = checksum.map_or(integrity::DEFAULT, |checksum| checksum.algorithm);
        let fits = |part: &&Part| {
            let has = |(algorithm, value): &Sum| match &part.sent {
                Some((sent, its)) if sent == algorithm => its == value,
                _ => kept == *algorithm && part.checksum == *value,
            };
            claim.sums.iter().all(has)
        };
        match found.filter(fits) {
            Some(part) => chosen.push(part.clone()),
            None => {
                let text = "One or more of the specified parts could not be found.  The part may not have been uploaded, or \
                            the specified entity tag may not match the part's entity tag.";
                return Err(Error::new("InvalidPart", 400, text)
                    .with("PartNumber", number)
                    .with("ETag", etag)
                    .into());
            }
        }
    }
    let all_but_last = &chosen[..chosen.len() - 1];
    if let Some(small) = all_but_last.iter().find(|part| part.piece.size < PART_BYTES_MIN) {
        let text = "Your proposed upload is smaller than the minimum allowed size";
        return Err(Error::new("EntityTooSmall", 400, text)
            .with("ProposedSize", i64::try_from(small.piece.size).unwrap_or(i64::MAX))
            .with("MinSizeAllowed", PART_BYTES_MIN as i64)
            .with("PartNumber", i64::from(small.number))
            .with("ETag", small.etag())
            .into());
    }
    Ok(chosen)
}

/// Uploads that were begun without a checksum get the default one, of the whole.
fn checksum(template: &Object, parts: &[Part], completed: &Completed<'_>) -> Result<Option<Checksum>> {
    let default = Checksum::full_object((integrity::DEFAULT, String::new()));
    let Checksum { algorithm, kind, .. } = template.checksum.as_ref().unwrap_or(&default);
    if completed.checksum_type.is_some_and(|wanted| wanted != kind.name()) {
        let text =
            "The upload was created using a different checksum type than the request to complete it names.";
        return Err(error::invalid_request(text).into());
    }
    let value = match kind {
        ChecksumKind::Composite => composite(*algorithm, parts.iter().map(|part| part.checksum.as_str())),
        ChecksumKind::FullObject => {
            algorithm.combine(parts.iter().map(|part| (part.checksum.as_str(), part.piece.size)))
        }
    };
    let value = match (value, &template.checksum) {
        (Some(value), _) => value,
        // Its parts are older than the default checksum.
        (None, None) => return Ok(None),
        (None, Some(_)) => {
            return Err(anyhow::anyhow!("a part has no {} checksum", algorithm.name()).into());
        }
    };
    // Clients say the composite one with or without the number of parts.
    let is_same = |claimed: &str| {
        claimed == value || value.rsplit_once('-').is_some_and(|(digest, _)| digest == claimed)
    };
    for (claimed, sum) in &completed.sums {
        if claimed != algorithm {
            return Err(integrity::mismatch(*algorithm, *claimed));
        }
        if !is_same(sum) {
            return Err(integrity::bad_digest(*algorithm).into());
        }
    }
    Ok(Some(Checksum { algorithm: *algorithm, kind: *kind, value }))
}
