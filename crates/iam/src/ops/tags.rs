//! Tags of users, roles, policies, instance profiles and identity providers.

use serde::Serialize;
use service::{Context, Empty, Result, Tags};

use crate::conditions;
use crate::holder::{self, Bounded};
use crate::instance_profile;
use crate::page::{self, PageEnd};
use crate::policy::{self, policy_resource};
use crate::provider;
use crate::role::{self, Role};
use crate::tag_list::{self, Tag};
use crate::user::{self, User};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TagsOutput {
    tags: Vec<Tag>,
    #[serde(flatten)]
    end: PageEnd,
}

operation! {
    TagUser { user_name: String, tags: Vec<Tag> } -> Empty,
    on |this, cx| user::resource(cx, &this.user_name),
    keys |this| conditions::of_request(&this.tags, None),
    run |this, _, cx| tag::<User>(cx, &this.user_name, this.tags).await
}
operation! {
    TagRole { role_name: String, tags: Vec<Tag> } -> Empty,
    on |this, cx| role::policy_resource(cx, &this.role_name),
    keys |this| conditions::of_request(&this.tags, None),
    run |this, _, cx| tag::<Role>(cx, &this.role_name, this.tags).await
}
operation! {
    UntagUser { user_name: String, tag_keys: Vec<String> } -> Empty,
    on |this, cx| user::resource(cx, &this.user_name),
    run |this, _, cx| untag::<User>(cx, &this.user_name, &this.tag_keys).await
}
operation! {
    UntagRole { role_name: String, tag_keys: Vec<String> } -> Empty,
    on |this, cx| role::policy_resource(cx, &this.role_name),
    run |this, _, cx| untag::<Role>(cx, &this.role_name, &this.tag_keys).await
}
operation! {
    ListUserTags { user_name: String, marker: Option<String>, max_items: Option<usize> } -> TagsOutput,
    on |this, cx| user::resource(cx, &this.user_name),
    run |this, _, cx| {
        let user = holder::find::<User>(cx, &this.user_name).await?;
        list(&user.tags, this.marker, this.max_items)
    }
}
operation! {
    ListRoleTags { role_name: String, marker: Option<String>, max_items: Option<usize> } -> TagsOutput,
    on |this, cx| role::policy_resource(cx, &this.role_name),
    run |this, _, cx| {
        let role = holder::find::<Role>(cx, &this.role_name).await?;
        list(&role.tags, this.marker, this.max_items)
    }
}
operation! {
    TagPolicy { policy_arn: String, tags: Vec<Tag> } -> Empty,
    on |this, _| policy_resource(&this.policy_arn),
    keys |this| conditions::of_request(&this.tags, None),
    run |this, _, cx| {
        policy::update(cx, &this.policy_arn, |policy| tag_list::add(&mut policy.tags, this.tags.clone())).await?;
        Ok(Empty)
    }
}
operation! {
    UntagPolicy { policy_arn: String, tag_keys: Vec<String> } -> Empty,
    on |this, _| policy_resource(&this.policy_arn),
    run |this, _, cx| {
        policy::update(cx, &this.policy_arn, |policy| {
            policy.tags.remove(&this.tag_keys);
            Ok(Empty)
        })
        .await
    }
}
operation! {
    ListPolicyTags { policy_arn: String, marker: Option<String>, max_items: Option<usize> } -> TagsOutput,
    on |this, _| policy_resource(&this.policy_arn),
    run |this, _, cx| {
        let policy = policy::find(cx, &this.policy_arn).await?;
        list(&policy.tags, this.marker, this.max_items)
    }
}
operation! {
    TagInstanceProfile { instance_profile_name: String, tags: Vec<Tag> } -> Empty,
    on |this, cx| instance_profile::resource(cx, &this.instance_profile_name),
    keys |this| conditions::of_request(&this.tags, None),
    run |this, _, cx| {
        instance_profile::update(cx, &this.instance_profile_name, |profile| {
            tag_list::add(&mut profile.tags, this.tags.clone()).map(|()| Empty)
        })
        .await
    }
}
operation! {
    UntagInstanceProfile { instance_profile_name: String, tag_keys: Vec<String> } -> Empty,
    on |this, cx| instance_profile::resource(cx, &this.instance_profile_name),
    run |this, _, cx| {
        instance_profile::update(cx, &this.instance_profile_name, |profile| {
            profile.tags.remove(&this.tag_keys);
            Ok(Empty)
        })
        .await
    }
}
operation! {
    ListInstanceProfileTags {
        instance_profile_name: String, marker: Option<String>, max_items: Option<usize>,
    } -> TagsOutput,
    on |this, cx| instance_profile::resource(cx, &this.instance_profile_name),
    run |this, _, cx| {
        let profile = instance_profile::find(cx, &this.instance_profile_name).await?;
        list(&profile.tags, this.marker, this.max_items)
    }
}
operation! {
    TagOpenIDConnectProvider {
        #[serde(rename = "OpenIDConnectProviderArn")] arn: String, tags: Vec<Tag>,
    } -> Empty,
    on |this, _| policy_resource(&this.arn),
    keys |this| conditions::of_request(&this.tags, None),
    run |this, _, cx| {
        provider::update(cx, &this.arn, |provider| {
            tag_list::add(&mut provider.tags, this.tags.clone()).map(|()| Empty)
        })
        .await
    }
}
operation! {
    UntagOpenIDConnectProvider {
        #[serde(rename = "OpenIDConnectProviderArn")] arn: String, tag_keys: Vec<String>,
    } -> Empty,
    on |this, _| policy_resource(&this.arn),
    run |this, _, cx| {
        provider::update(cx, &this.arn, |provider| {
            provider.tags.remove(&this.tag_keys);
            Ok(Empty)
        })
        .await
    }
}
operation! {
    ListOpenIDConnectProviderTags {
        #[serde(rename = "OpenIDConnectProviderArn")] arn: String,
        marker: Option<String>, max_items: Option<usize>,
    } -> TagsOutput,
    on |this, _| policy_resource(&this.arn),
    run |this, _, cx| {
        let provider = provider::find(cx, &this.arn).await?;
        list(&provider.tags, this.marker, this.max_items)
    }
}

async fn tag<H: Bounded>(cx: &Context, name: &str, tags: Vec<Tag>) -> Result<Empty> {
    holder::update::<H, _>(cx, name, |holder| tag_list::add(holder.tags_mut(), tags.clone()).map(|()| Empty))
        .await
}

async fn untag<H: Bounded>(cx: &Context, name: &str, keys: &[String]) -> Result<Empty> {
    holder::update::<H, _>(cx, name, |holder| {
        holder.tags_mut().remove(keys);
        Ok(Empty)
    })
    .await
}

fn list(tags: &Tags, marker: Option<String>, max_items: Option<usize>) -> Result<TagsOutput> {
    let tags = tag_list::list(tags).into_iter().map(|tag| (tag.key.clone(), tag)).collect();
    let (tags, end) = page::cut(tags, marker.as_deref(), max_items)?;
    Ok(TagsOutput { tags, end })
}
