//! OpenID Connect providers from create to delete.

use serde::Serialize;
use service::{Empty, Tags};
use wire::Timestamp;

use crate::conditions;
use crate::error::Error;
use crate::limits::{CLIENT_IDS_PER_PROVIDER_MAX, PROVIDERS_PER_ACCOUNT_MAX, THUMBPRINTS_PER_PROVIDER_MAX};
use crate::policy::policy_resource;
use crate::provider::{self, PROVIDERS, ProviderRow, check_url, place};
use crate::tag_list::{self, Tag};

#[derive(Serialize)]
pub(crate) struct CreatedOutput {
    #[serde(rename = "OpenIDConnectProviderArn")]
    arn: String,
    #[serde(rename = "Tags", skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag>,
}

#[derive(Serialize)]
pub(crate) struct ProviderOutput {
    #[serde(rename = "Url")]
    url: String,
    #[serde(rename = "ClientIDList")]
    client_ids: Vec<String>,
    #[serde(rename = "ThumbprintList")]
    thumbprints: Vec<String>,
    #[serde(rename = "CreateDate")]
    created: Timestamp,
    #[serde(rename = "Tags", skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag>,
}

#[derive(Serialize)]
pub(crate) struct ProvidersOutput {
    #[serde(rename = "OpenIDConnectProviderList")]
    providers: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    #[serde(rename = "Arn")]
    arn: String,
}

operation! {
    CreateOpenIDConnectProvider {
        url: String,
        #[serde(rename = "ClientIDList", default)] client_ids: Vec<String>,
        #[serde(rename = "ThumbprintList", default)] thumbprints: Vec<String>,
        #[serde(default)] tags: Vec<Tag>,
    } -> CreatedOutput,
    on |this, cx| provider::resource(cx, &this.url),
    keys |this| conditions::of_request(&this.tags, None),
    run |this, _, cx| {
        check_url(cx.platform().mode(), &this.url)?;
        check_client_ids(&this.client_ids)?;
        let thumbprints = read_thumbprints(this.thumbprints)?;
        let mut tags = Tags::default();
        tag_list::add(&mut tags, this.tags)?;
        if cx.rows(&PROVIDERS).all("").await?.len() >= PROVIDERS_PER_ACCOUNT_MAX {
            return Err(Error::over_quota("OpenIdConnectProvidersPerAccount", PROVIDERS_PER_ACCOUNT_MAX).into());
        }
        let row = ProviderRow { url: this.url, client_ids: this.client_ids, thumbprints, created: cx.now(), tags };
        if !cx.rows(&PROVIDERS).insert(place(&row.url), &row).await? {
            return Err(Error::taken(format!("Provider with url {} already exists.", row.url)).into());
        }
        Ok(CreatedOutput { arn: row.arn(cx.scope()), tags: tag_list::list(&row.tags) })
    }
}
operation! {
    GetOpenIDConnectProvider { #[serde(rename = "OpenIDConnectProviderArn")] arn: String } -> ProviderOutput,
    on |this, _| policy_resource(&this.arn),
    run |this, _, cx| {
        let row = provider::find(cx, &this.arn).await?;
        Ok(ProviderOutput {
            // Answered without its scheme, as AWS does.
            url: place(&row.url).to_owned(),
            client_ids: row.client_ids,
            thumbprints: row.thumbprints,
            created: row.created,
            tags: tag_list::list(&row.tags),
        })
    }
}
operation! {
    ListOpenIDConnectProviders {} -> ProvidersOutput,
    run |_, _, cx| {
        let rows = cx.rows(&PROVIDERS).all("").await?;
        Ok(ProvidersOutput { providers: rows.iter().map(|(_, row)| Listed { arn: row.arn(cx.scope()) }).collect() })
    }
}
operation! {
    DeleteOpenIDConnectProvider { #[serde(rename = "OpenIDConnectProviderArn")] arn: String } -> Empty,
    on |this, _| policy_resource(&this.arn),
    run |this, _, cx| {
        let key = provider::key_of(cx, &this.arn)?;
        if !cx.rows(&PROVIDERS).remove(&key).await? {
            return Err(provider::missing(&this.arn).into());
        }
        Ok(Empty)
    }
}
operation! {
    AddClientIDToOpenIDConnectProvider {
        #[serde(rename = "OpenIDConnectProviderArn")] arn: String,
        #[serde(rename = "ClientID")] client_id: String,
    } -> Empty,
    on |this, _| policy_resource(&this.arn),
    run |this, _, cx| {
        provider::update(cx, &this.arn, |provider| {
            if !provider.client_ids.contains(&this.client_id) {
                provider.client_ids.push(this.client_id.clone());
            }
            check_client_ids(&provider.client_ids).map(|()| Empty)
        })
        .await
    }
}
operation! {
    RemoveClientIDFromOpenIDConnectProvider {
        #[serde(rename = "OpenIDConnectProviderArn")] arn: String,
        #[serde(rename = "ClientID")] client_id: String,
    } -> Empty,
    on |this, _| policy_resource(&this.arn),
    run |this, _, cx| {
        provider::update(cx, &this.arn, |provider| {
            provider.client_ids.retain(|id| *id != this.client_id);
            Ok(Empty)
        })
        .await
    }
}
operation! {
    UpdateOpenIDConnectProviderThumbprint {
        #[serde(rename = "OpenIDConnectProviderArn")] arn: String,
        #[serde(rename = "ThumbprintList")] thumbprints: Vec<String>,
    } -> Empty,
    on |this, _| policy_resource(&this.arn),
    run |this, _, cx| {
        let thumbprints = read_thumbprints(this.thumbprints)?;
        provider::update(cx, &this.arn, |provider| {
            provider.thumbprints.clone_from(&thumbprints);
            Ok(Empty)
        })
        .await
    }
}

fn check_client_ids(ids: &[String]) -> Result<(), Error> {
    if ids.len() <= CLIENT_IDS_PER_PROVIDER_MAX {
        return Ok(());
    }
    Err(Error::over_quota("ClientIdsPerOpenIdConnectProvider", CLIENT_IDS_PER_PROVIDER_MAX))
}

/// Forty hexadecimal digits each, in lower case.
fn read_thumbprints(thumbprints: Vec<String>) -> Result<Vec<String>, Error> {
    if thumbprints.len() > THUMBPRINTS_PER_PROVIDER_MAX {
        return Err(Error::InvalidInputException(
            "Thumbprint list must contain fewer than 5 entries.".into(),
        ));
    }
    let hexadecimal = |text: &String| text.len() == 40 && text.bytes().all(|next| next.is_ascii_hexdigit());
    if !thumbprints.iter().all(hexadecimal) {
        return Err(Error::InvalidInputException(
            "Invalid thumbprint: 40 hexadecimal digits are needed.".into(),
        ));
    }
    Ok(thumbprints.into_iter().map(|text| text.to_ascii_lowercase()).collect())
}
