//! Lists of things that cannot be made here: SSH keys, certificates, MFA devices, SAML providers. Tools ask for them
//! before they delete a user; none is the true answer.

use serde::Serialize;

use crate::page::PageEnd;
use crate::subject::Subject;
use crate::user;

const END: PageEnd = PageEnd { is_truncated: false, marker: None };

macro_rules! none {
    ($output:ident, $member:ident) => {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        pub(crate) struct $output {
            $member: [(); 0],
            #[serde(flatten)]
            end: PageEnd,
        }
    };
}

none!(MfaDevices, m_f_a_devices);
none!(VirtualMfaDevices, virtual_m_f_a_devices);
none!(SshPublicKeys, s_s_h_public_keys);
none!(Certificates, certificates);
none!(ServerCertificates, server_certificate_metadata_list);

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ServiceSpecificCredentials {
    service_specific_credentials: [(); 0],
}

#[derive(Serialize)]
pub(crate) struct SamlProviders {
    #[serde(rename = "SAMLProviderList")]
    providers: [(); 0],
}

operation! {
    ListMFADevices { user_name: Option<String> } -> MfaDevices,
    on |this, cx| Subject::resource(cx, this.user_name.as_deref()),
    run |this, _, cx| {
        check_user(cx, this.user_name).await?;
        Ok(MfaDevices { m_f_a_devices: [], end: END })
    }
}
operation! {
    ListVirtualMFADevices {} -> VirtualMfaDevices,
    run |_, _, _| Ok(VirtualMfaDevices { virtual_m_f_a_devices: [], end: END })
}
operation! {
    ListSSHPublicKeys { user_name: Option<String> } -> SshPublicKeys,
    on |this, cx| Subject::resource(cx, this.user_name.as_deref()),
    run |this, _, cx| {
        check_user(cx, this.user_name).await?;
        Ok(SshPublicKeys { s_s_h_public_keys: [], end: END })
    }
}
operation! {
    ListSigningCertificates { user_name: Option<String> } -> Certificates,
    on |this, cx| Subject::resource(cx, this.user_name.as_deref()),
    run |this, _, cx| {
        check_user(cx, this.user_name).await?;
        Ok(Certificates { certificates: [], end: END })
    }
}
operation! {
    ListServiceSpecificCredentials { user_name: Option<String> } -> ServiceSpecificCredentials,
    on |this, cx| Subject::resource(cx, this.user_name.as_deref()),
    run |this, _, cx| {
        check_user(cx, this.user_name).await?;
        Ok(ServiceSpecificCredentials { service_specific_credentials: [] })
    }
}
operation! {
    ListServerCertificates {} -> ServerCertificates,
    run |_, _, _| Ok(ServerCertificates { server_certificate_metadata_list: [], end: END })
}
operation! {
    ListSAMLProviders {} -> SamlProviders,
    run |_, _, _| Ok(SamlProviders { providers: [] })
}

async fn check_user(cx: &service::Context, named: Option<String>) -> service::Result<()> {
    if let Some(name) = named {
        user::find(cx, &name).await?;
    }
    Ok(())
}
