//! Writes one document of each kind and language into a folder: `cargo run --example samples -p namoyish-documents -- FOLDER`.
//! With `--time N` after the folder it then renders N different primary documents and says how many it made a second.

#![expect(
    clippy::unwrap_used,
    reason = "a developer's tool over fixed samples: a failure should stop it with its place"
)]

#[path = "../tests/it/sample.rs"]
mod sample;

use namoyish_documents::files::pdf_of;
use namoyish_documents::{
    Language, canonical_json, render_invoice_pdf, render_order_blank_pdf, render_primary_pdf,
    render_primary_xlsx, render_reconciliation_act_pdf, render_reconciliation_act_xlsx, render_refund_pdf,
    render_refund_xlsx,
};
use std::path::PathBuf;
use std::time::Instant;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let Some(folder) = arguments.next().map(PathBuf::from) else {
        eprintln!("usage: samples FOLDER [--time N]");
        std::process::exit(2);
    };
    std::fs::create_dir_all(&folder)?;
    for language in Language::ALL {
        let code = language.code();
        let write =
            |name: &str, bytes: Vec<u8>| std::fs::write(folder.join(format!("{name}.{code}.pdf")), bytes);
        let primary = sample::primary(3, true);
        write(
            "primary",
            render_primary_pdf(&primary, language, sample::VERIFY_URL).unwrap(),
        )?;
        let without_vat = sample::primary(2, false);
        write(
            "primary-no-vat",
            render_primary_pdf(&without_vat, language, sample::VERIFY_URL).unwrap(),
        )?;
        write(
            "invoice",
            render_invoice_pdf(&sample::invoice(true), language).unwrap(),
        )?;
        write(
            "invoice-no-vat",
            render_invoice_pdf(&sample::invoice(false), language).unwrap(),
        )?;
        for (name, kind, content) in [
            (
                "vat-invoice",
                "vat_invoice",
                canonical_json(&sample::vat_invoice(false)),
            ),
            (
                "vat-invoice-additional",
                "vat_invoice",
                canonical_json(&sample::vat_invoice(true)),
            ),
            ("correction", "correction", canonical_json(&sample::correction())),
            (
                "penalty-claim",
                "penalty_claim",
                canonical_json(&sample::penalty_claim()),
            ),
        ] {
            let content = content.unwrap();
            write(
                name,
                pdf_of(kind, &content, language, sample::VERIFY_URL).unwrap(),
            )?;
        }
        for (name, signed) in [("blank", true), ("blank-draft", false)] {
            let blank = sample::order_blank(signed, true);
            write(
                name,
                render_order_blank_pdf(&blank, language, sample::VERIFY_URL).unwrap(),
            )?;
        }
        let act = sample::reconciliation_act();
        write(
            "act",
            render_reconciliation_act_pdf(&act, language, sample::VERIFY_URL).unwrap(),
        )?;
        let refund = sample::refund();
        write(
            "refund",
            render_refund_pdf(&refund, language, sample::VERIFY_URL).unwrap(),
        )?;
        let books = [
            ("act", render_reconciliation_act_xlsx(&act, language).unwrap()),
            ("refund", render_refund_xlsx(&refund, language).unwrap()),
        ];
        for (name, bytes) in books {
            std::fs::write(folder.join(format!("{name}.{code}.xlsx")), bytes)?;
        }
        let workbook = render_primary_xlsx(&primary, language).unwrap();
        std::fs::write(folder.join(format!("primary.{code}.xlsx")), workbook)?;
    }
    let long = render_primary_pdf(&sample::primary(200, true), Language::UzLatn, sample::VERIFY_URL).unwrap();
    std::fs::write(folder.join("primary-200-lines.uz-Latn.pdf"), long)?;
    std::fs::write(
        folder.join("primary.json"),
        canonical_json(&sample::primary(3, true)).unwrap(),
    )?;
    if let (Some("--time"), Some(count)) = (arguments.next().as_deref(), arguments.next()) {
        time(count.parse().unwrap_or(100));
    }
    Ok(())
}

fn time(count: u32) {
    let mut content = sample::primary(8, true);
    let began = Instant::now();
    for index in 0..count {
        content.number = format!("D-2026-{index:06}");
        content.customer.name = format!("“Mijoz {index}” MChJ");
        for line in &mut content.lines {
            line.contract_number = format!("OB-2026-{index:06}");
        }
        render_primary_pdf(&content, Language::UzLatn, sample::VERIFY_URL).unwrap();
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{count} documents in {seconds:.2} s: {:.0} a second",
        f64::from(count) / seconds
    );
}
