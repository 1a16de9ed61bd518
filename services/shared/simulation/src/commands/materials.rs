//! Events about ad materials: submitted, changed, with a licence, and decided at once (orders.md §4).

use super::{Commands, NotDone, chain};
use crate::scenario::MaterialVerdict;
use chrono::NaiveDate;
use namoyish_domain::orders::licence::{DocumentKind, NewCopy};
use namoyish_domain::orders::moderation::{ModerationReason, Verdict};
use namoyish_domain::orders::placement::PlacementKind;
use namoyish_orders::app::attach_document::{AttachDocument, attach_document};
use namoyish_orders::app::decide_material::{DecideMaterial, decide_material};
use namoyish_orders::app::submit_material::{SubmitMaterial, submit_material};
use std::sync::Arc;

/// The banner that scenarios submit; its size is [`crate::set_up::BANNER_PIXELS`].
const BANNER: &[u8] = include_bytes!("../../assets/banner-240x60.png");
/// The copy of a licence that scenarios attach.
const LICENCE: &[u8] = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n";

impl Commands {
    /// Submits a material that fits the line's placements, with its licence, and decides on it at once.
    pub(crate) async fn submit_material(
        &self,
        line: &str,
        verdict: MaterialVerdict,
        licence_expires: Option<NaiveDate>,
    ) -> Result<(), NotDone> {
        let signed = self.line(line)?;
        let kind = signed.material.unwrap_or(PlacementKind::Banner);
        let cmd = SubmitMaterial {
            line: signed.id,
            kind,
            title: format!("Reklama {line}"),
            body: if kind.has_body() {
                format!("{line} bo‘yicha reklama matni.")
            } else {
                String::new()
            },
            target_url: "https://mijoz.example.uz/aksiya".to_owned(),
            file: kind.has_image().then(|| Arc::from(BANNER)),
        };
        let submitted = not_done!(submit_material(&self.ctx, &self.actor, cmd).await)?;
        let material = submitted.material.material.id;
        if let Some(expires_on) = licence_expires {
            let cmd = AttachDocument {
                material,
                copy: NewCopy {
                    kind: DocumentKind::Licence,
                    number: format!("L-{line}"),
                    issuer: "Vazirlik".to_owned(),
                    issued_on: None,
                    expires_on,
                },
                replaces: None,
                file: Arc::from(LICENCE),
            };
            not_done!(attach_document(&self.ctx, &self.actor, cmd).await)?;
        }
        let verdict = match verdict {
            MaterialVerdict::Approve => Verdict::Approve,
            MaterialVerdict::Reject => Verdict::Reject {
                reasons: vec![ModerationReason::LANGUAGE],
            },
            MaterialVerdict::Documents => Verdict::RequireDocuments {
                reasons: vec![ModerationReason::LICENCE_MISSING],
            },
        };
        let cmd = DecideMaterial {
            material,
            verdict,
            comment: String::new(),
        };
        not_done!(decide_material(&self.ctx, &self.actor, cmd).await)?;
        Ok(())
    }

    /// Submits another version of a line's material, and decides on it at once.
    pub(crate) async fn change_material(
        &self,
        line: &str,
        verdict: MaterialVerdict,
        licence_expires: Option<NaiveDate>,
    ) -> Result<(), NotDone> {
        self.submit_material(line, verdict, licence_expires).await
    }
}
