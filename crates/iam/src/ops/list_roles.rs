use serde::{Deserialize, Serialize};
use service::{Context, Operation, Result};

use crate::Iam;
use crate::page::{self, PageEnd};
use crate::role::{Detail, ROLES, RoleView};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListRoles {
    path_prefix: Option<String>,
    marker: Option<String>,
    max_items: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    roles: Vec<RoleView>,
    #[serde(flatten)]
    end: PageEnd,
}

impl Operation for ListRoles {
    type Service = Iam;
    type Output = Output;
    const NAME: &'static str = "ListRoles";

    async fn run(self, _: &Iam, cx: &Context) -> Result<Output> {
        let prefix = self.path_prefix.as_deref().unwrap_or("/");
        let mut roles = cx.rows(&ROLES).all("").await?;
        roles.retain(|(_, role)| role.path.starts_with(prefix));
        let (page, end) = page::cut(roles, self.marker.as_deref(), self.max_items)?;
        let roles = page.iter().map(|role| role.view(cx.scope(), Detail::Listed)).collect();
        Ok(Output { roles, end })
    }
}
