//! orders.md §4: papers asked for and their deadline, expiry and revocation, a second subject, the dated checklist, and
//! what can't be changed.

use super::client::{Answer, Client};
use super::world::{BANNER, World, png};
use namoyish_runtime::context::Role;
use serde_json::{Value, json};

const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n%%EOF\n";

fn copy<'a>(number: &'a str, expires_on: &'a str) -> Vec<(&'static str, &'a str)> {
    vec![
        ("kind", "licence"),
        ("number", number),
        ("issuer", "Vazirlik"),
        ("issued_on", "2025-01-10"),
        ("expires_on", expires_on),
    ]
}

/// A paid line with a first material; its API path and the material's.
async fn material(world: &World, admin: &Client, first_day: &str) -> (String, String) {
    let line = world.media_line("300000.00", first_day, "2026-11-30");
    let blank = world.signed(admin, vec![line]).await;
    let line = format!("/api/v1/lines/{}", blank.text("/lines/0/id"));
    let body = json!({"customer": world.customer.to_string(), "amount": "336000.00"});
    admin.post("/api/v1/payments", body).await.ok(201);
    let submitted = admin
        .post_form(
            &format!("{line}/materials"),
            &admin.fresh_key(),
            BANNER,
            Some(&png(240, 400)),
        )
        .await
        .ok(201);
    (line, format!("/api/v1/materials/{}", submitted.text("/id")))
}

async fn decide(client: &Client, material: &str, body: Value) -> Answer {
    client.post(&format!("{material}/decide"), body).await
}

fn require() -> Value {
    json!({"verdict": "require_documents", "reasons": ["licence_missing"], "comment": "Dori"})
}

async fn attach(client: &Client, material: &str, texts: &[(&str, &str)], file: &[u8]) -> Answer {
    let path = format!("{material}/documents");
    client
        .post_form(&path, &client.fresh_key(), texts, Some(file))
        .await
}

async fn why(client: &Client, line: &str, day: &str) -> Value {
    client.get(&format!("{line}?day={day}")).await.ok(200).json["not_running"].clone()
}

// orders.md §4: licence copies asked for are due within 3 days; for a first placement together with the material.
#[tokio::test]
async fn papers_of_a_first_material_count_on_the_day_on_which_they_come() {
    let world = World::make(70).await;
    let admin = world.admin().await;
    // Monday 2 November for Thursday the 5th: in time. The papers come on Wednesday: late by two days.
    let (line, material) = material(&world, &admin, "2026-11-05").await;
    let asked = decide(&admin, &material, require()).await.ok(200);
    assert_eq!(asked.text("/documents_due_on"), "2026-11-05");
    assert_eq!(
        why(&admin, &line, "2026-11-05").await,
        json!(["documents_required"])
    );
    assert_eq!(
        why(&admin, &line, "2026-11-06").await,
        json!(["documents_overdue"])
    );
    assert_eq!(
        admin.get(&line).await.ok(200).text("/material_due_on"),
        "2026-11-02"
    );
    world.advance_to("2026-11-04T09:00:00");
    let owner = world.client(Role::Owner, Some(world.customer)).await;
    let attached = attach(&owner, &material, &copy("L-1", "2027-01-31"), PDF)
        .await
        .ok(201);
    assert_eq!(
        (attached.text("/material_state"), attached.text("/live_from")),
        ("in_review".to_owned(), "2026-11-07".to_owned())
    );
    assert_eq!(
        attached.json["term_moved_to"],
        json!(["2026-11-07", "2026-12-02"])
    );
    assert_eq!(
        why(&admin, &line, "2026-11-07").await,
        json!(["material_in_review"])
    );
    decide(&admin, &material, json!({"verdict": "approve"}))
        .await
        .ok(200);
    assert_eq!(why(&admin, &line, "2026-11-07").await, json!([]));
}

#[tokio::test]
async fn papers_in_time_move_nothing() {
    let world = World::make(71).await;
    let admin = world.admin().await;
    let (line, material) = material(&world, &admin, "2026-11-10").await;
    decide(&admin, &material, require()).await.ok(200);
    world.advance_to("2026-11-05T23:00:00");
    let attached = attach(&admin, &material, &copy("L-1", "2027-01-31"), PDF)
        .await
        .ok(201);
    assert_eq!(
        (
            attached.text("/live_from"),
            attached.json["term_moved_to"].clone()
        ),
        ("2026-11-10".to_owned(), json!(null))
    );
    // 003 §3.6: an approval doesn't shift responsibility, and says so.
    let approved = decide(&admin, &material, json!({"verdict": "approve"}))
        .await
        .ok(200);
    assert!(approved.text("/decision/responsibility").contains("§3.6"));
    assert_eq!(
        admin.get(&line).await.ok(200).json["material_due_on"],
        json!(null)
    );
}

// orders.md §4 [003 §4.3.4]: expiry stops on the day after, revocation at once, a later copy lets it run again.
#[tokio::test]
async fn a_licence_stops_its_line_and_a_newer_copy_starts_it() {
    let world = World::make(72).await;
    let admin = world.admin().await;
    let (line, material) = material(&world, &admin, "2026-11-05").await;
    let owner = world.client(Role::Owner, Some(world.customer)).await;
    let first = attach(&owner, &material, &copy("L-1", "2026-11-15"), PDF)
        .await
        .ok(201);
    assert_eq!(first.text("/material_state"), "submitted");
    decide(&admin, &material, json!({"verdict": "approve"}))
        .await
        .ok(200);
    assert_eq!(why(&admin, &line, "2026-11-15").await, json!([]));
    let stopped = admin.get(&format!("{line}?day=2026-11-16")).await.ok(200);
    assert_eq!(stopped.json["not_running"], json!(["licence_expired"]));
    assert_eq!(stopped.json["reasons"][0]["code"], "licence_expired");
    for language in ["uz-Latn", "ru", "en"] {
        assert!(
            stopped.json["reasons"][0]["texts"][language].is_string(),
            "{language}"
        );
    }
    world.advance_to("2026-11-16T09:00:00");
    let shorter = attach(&owner, &material, &copy("L-1", "2026-11-15"), PDF).await;
    shorter.refused_field(422, "document_expired", "expires_on");
    let second = attach(&owner, &material, &copy("L-2", "2027-11-15"), PDF)
        .await
        .ok(201);
    assert_eq!(second.text("/replaces"), first.text("/id"));
    assert_eq!(why(&admin, &line, "2026-11-16").await, json!([]));

    let version = world.test.store.snapshot_version().await.unwrap();
    let revoked = format!("{material}/documents/{}/revoked", second.text("/id"));
    owner
        .post(&revoked, json!({"note": "Litsenziya toʻxtatildi"}))
        .await
        .ok(200);
    assert!(
        world.test.store.snapshot_version().await.unwrap() > version,
        "nodes are told"
    );
    assert_eq!(why(&admin, &line, "2026-11-16").await, json!(["licence_revoked"]));
    let twice = owner.post(&revoked, json!({})).await;
    assert_eq!(twice.refusal(), (409, "document_already_revoked".to_owned()));
    let old = format!("{material}/documents/{}/revoked", first.text("/id"));
    assert_eq!(
        owner.post(&old, json!({})).await.refusal(),
        (409, "document_replaced".to_owned())
    );
    let third = attach(&owner, &material, &copy("L-3", "2027-01-15"), PDF)
        .await
        .ok(201);
    assert_eq!(third.text("/replaces"), second.text("/id"));
    assert_eq!(why(&admin, &line, "2026-11-16").await, json!([]));

    let whole = admin.get(&material).await.ok(200);
    assert_eq!(whole.json["documents"].as_array().unwrap().len(), 3);
    let changes = admin.get(&format!("{line}/changes")).await.ok(200);
    let kinds: Vec<&str> = changes.json["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds.iter().filter(|kind| **kind == "document_attached").count(),
        3
    );
    assert!(kinds.contains(&"document_revoked"));
}

#[tokio::test]
async fn copies_that_do_not_fit_are_refused_by_name_and_strangers_see_none() {
    let world = World::make(73).await;
    let admin = world.admin().await;
    let (_, material) = material(&world, &admin, "2026-11-20").await;
    let files: [(&[u8], &str); 5] = [
        (b"<html><script>alert(1)</script>", "file_of_another_type"),
        (b"%PDF-1.7 without an end", "file_is_broken"),
        (
            b"%PDF-1.7 /S /JavaScript /JS (app.alert(1)) %%EOF",
            "active_content",
        ),
        (b"GIF89a", "file_of_another_type"),
        (b"\xff\xd8\xff\xe0 no jpeg", "file_is_broken"),
    ];
    for (file, code) in files {
        let answer = attach(&admin, &material, &copy("L-1", "2027-01-31"), file).await;
        answer.refused_field(422, code, "file");
    }
    for (name, text, code, field) in [
        ("kind", "passport", "unknown_value", "kind"),
        ("number", " ", "missing", "number"),
        ("issuer", "", "missing", "issuer"),
        ("expires_on", "soon", "bad_day", "expires_on"),
        ("expires_on", "2026-11-01", "document_expired", "expires_on"),
        ("expires_on", "2199-01-01", "expiry_out_of_range", "expires_on"),
        ("issued_on", "2026-11-03", "issue_date_out_of_range", "issued_on"),
    ] {
        let mut texts = copy("L-1", "2027-01-31");
        texts
            .iter_mut()
            .filter(|(own, _)| *own == name)
            .for_each(|part| part.1 = text);
        attach(&admin, &material, &texts, PDF)
            .await
            .refused_field(422, code, field);
    }
    let mut texts = copy("L-1", "2027-01-31");
    texts.push(("replaces", "md_x"));
    attach(&admin, &material, &texts, PDF)
        .await
        .refused_field(422, "no_document_to_replace", "replaces");
    let scan = png(60, 80);
    let attached = attach(&admin, &material, &copy("L-1", "2027-01-31"), &scan)
        .await
        .ok(201);
    attach(&admin, &material, &copy("L-1", "2027-01-31"), PDF)
        .await
        .refused_field(422, "document_lasts_no_longer", "expires_on");
    let stranger = world.client(Role::Owner, Some(world.other_customer)).await;
    let path = format!("{material}/documents/{}", attached.text("/id"));
    for path in [path.clone(), format!("{path}/file")] {
        assert_eq!(stranger.get(&path).await.refusal().0, 404, "{path}");
    }
    assert_eq!(
        stranger
            .post(&format!("{path}/revoked"), json!({}))
            .await
            .refusal()
            .0,
        404
    );
    assert_eq!(
        attach(&stranger, &material, &copy("L-2", "2027-01-31"), PDF)
            .await
            .refusal()
            .0,
        404
    );
    let file = admin.get(&format!("{path}/file")).await.ok(200);
    assert_eq!((file.media_type.as_str(), &file.bytes), ("image/png", &scan));
    let reject = json!({"verdict": "reject", "reasons": ["documents_mismatch"]});
    decide(&admin, &material, reject).await.ok(200);
    let closed = attach(&admin, &material, &copy("L-2", "2027-01-31"), PDF).await;
    assert_eq!(closed.refusal(), (409, "material_closed".to_owned()));
}

// orders.md §4 [003 §6.5]: one subject per material; a second one waits for consent and a re-priced amendment.
#[tokio::test]
async fn a_second_subject_waits_for_its_amendment() {
    let world = World::make(74).await;
    let admin = world.admin().await;
    let (line, material) = material(&world, &admin, "2026-11-05").await;
    decide(&admin, &material, json!({"verdict": "approve"}))
        .await
        .ok(200);
    let path = format!("{material}/second-subject");
    let moderator = world.client(Role::Moderator, None).await;
    let sales = world.client(Role::Sales, None).await;
    let owner = world.client(Role::Owner, Some(world.customer)).await;
    let consent = json!({"consent": "№ 7, 03.11.2026", "amendment": "1"});
    let early = sales.post(&format!("{path}/consent"), consent.clone()).await;
    assert_eq!(early.refusal(), (409, "no_second_subject".to_owned()));
    assert_eq!(
        sales
            .post(&path, json!({"subject": "Mehmonxona"}))
            .await
            .refusal()
            .0,
        403
    );
    assert_eq!(
        owner
            .post(&path, json!({"subject": "Mehmonxona"}))
            .await
            .refusal()
            .0,
        403
    );
    moderator
        .post(&path, json!({"subject": " "}))
        .await
        .refused_field(422, "missing", "subject");
    moderator
        .post(&path, json!({"subject": "Mehmonxona"}))
        .await
        .ok(200);
    assert_eq!(
        why(&admin, &line, "2026-11-05").await,
        json!(["awaiting_amendment"])
    );
    let twice = moderator.post(&path, json!({"subject": "Mehmonxona"})).await;
    assert_eq!(twice.refusal(), (409, "second_subject_flagged".to_owned()));
    assert_eq!(
        owner
            .post(&format!("{path}/consent"), consent.clone())
            .await
            .refusal()
            .0,
        403
    );
    sales
        .post(
            &format!("{path}/consent"),
            json!({"consent": "№ 7", "amendment": ""}),
        )
        .await
        .refused_field(422, "missing", "amendment");
    sales.post(&format!("{path}/consent"), consent).await.ok(200);
    assert_eq!(why(&admin, &line, "2026-11-05").await, json!([]));
    let whole = admin.get(&material).await.ok(200);
    assert_eq!(whole.json["second_subject"].as_array().unwrap().len(), 2);
}

// 003 §3.5: papers may be asked for "at any time"; the approved material runs until they are overdue.
#[tokio::test]
async fn an_approved_material_runs_on_while_papers_are_waited_for() {
    let world = World::make(75).await;
    let admin = world.admin().await;
    let (line, material) = material(&world, &admin, "2026-11-05").await;
    decide(&admin, &material, json!({"verdict": "approve"}))
        .await
        .ok(200);
    world.advance_to("2026-11-10T09:00:00");
    let asked = decide(&admin, &material, require()).await.ok(200);
    assert_eq!(asked.json["decision"]["runs_on"], json!(true));
    assert_eq!(why(&admin, &line, "2026-11-13").await, json!([]));
    assert_eq!(
        why(&admin, &line, "2026-11-14").await,
        json!(["documents_overdue"])
    );
    // It ran: another version is a change that waits, not a first material that moves the term.
    let change = admin
        .post_form(&format!("{line}/materials"), "m-2", BANNER, Some(&png(240, 400)))
        .await
        .ok(201);
    assert_eq!(
        (change.text("/live_from"), change.json["term_moved_to"].clone()),
        ("2026-11-13".to_owned(), json!(null))
    );
    let withdraw = json!({"verdict": "withdraw", "reasons": ["untrue_content"]});
    decide(&admin, &material, withdraw).await.ok(200);
    assert_eq!(
        why(&admin, &line, "2026-11-12").await,
        json!(["material_in_review"])
    );
}

// uzbekistan.md §8: the checklist is a dated table with the reason codes that moderators choose from.
#[tokio::test]
async fn the_checklist_is_dated_and_edited_by_administrators_alone() {
    let world = World::make(76).await;
    let admin = world.admin().await;
    let path = "/api/v1/moderation-checklist";
    let all = admin.get(&format!("{path}?limit=200")).await.ok(200);
    let codes: Vec<&str> = all.json["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["code"].as_str().unwrap())
        .collect();
    // Each check of the book's list has its item.
    for code in [
        "language",
        "foreign_currency",
        "age_class",
        "forbidden_goods",
        "morals",
        "alcohol",
        "energy_drinks",
        "medicines",
        "minors",
        "direct_messages",
        "licence_missing",
        "special_wording",
        "rights_missing",
    ] {
        assert!(codes.contains(&code), "{code}");
    }
    let before = admin
        .get(&format!("{path}?day=2022-08-31&limit=200"))
        .await
        .ok(200);
    assert!(
        !before.bytes.windows(9).any(|text| text == b"\"alcohol\""),
        "before the law"
    );
    assert_eq!(
        admin.get(&format!("{path}?day=soon")).await.refusal(),
        (422, "bad_day".to_owned())
    );

    let text = json!({"uz-Latn": "Kripto", "uz-Cyrl": "Крипто", "ru": "Крипто", "en": "Crypto"});
    let item = |code: &str, from: &str| json!({"code": code, "valid_from": from, "texts": text, "basis": "NAPP 2026", "verdicts": ["reject"]});
    let moderator = world.client(Role::Moderator, None).await;
    assert_eq!(
        moderator
            .post(path, item("crypto", "2026-11-02"))
            .await
            .refusal()
            .0,
        403
    );
    admin
        .post(path, item("crypto", "2026-11-01"))
        .await
        .refused_field(422, "day_in_the_past", "valid_from");
    admin
        .post(path, item("Crypto!", "2026-11-02"))
        .await
        .refused_field(422, "bad_code", "code");
    admin
        .post(path, item("alcohol", "2026-12-01"))
        .await
        .refused_field(409, "checklist_code_taken", "code");
    let added = admin.post(path, item("crypto", "2026-11-03")).await.ok(201);
    let (_, material) = material(&world, &admin, "2026-11-20").await;
    let reject = json!({"verdict": "reject", "reasons": ["crypto"]});
    decide(&moderator, &material, reject.clone())
        .await
        .refused_field(422, "reason_not_in_force", "reasons");
    world.advance_to("2026-11-03T09:00:00");
    decide(&moderator, &material, reject).await.ok(200);
    let end = format!("{path}/{}/end", added.json["id"]);
    assert_eq!(
        moderator
            .post(&end, json!({"valid_to": "2026-11-03"}))
            .await
            .refusal()
            .0,
        403
    );
    admin
        .post(&end, json!({"valid_to": "2026-11-02"}))
        .await
        .refused_field(422, "ends_before_it_begins", "valid_to");
    admin.post(&end, json!({"valid_to": "2026-11-03"})).await.ok(200);
    let twice = admin.post(&end, json!({"valid_to": "2026-11-05"})).await;
    assert_eq!(twice.refusal(), (409, "checklist_item_ended".to_owned()));
    // An item of the same code may follow; history stays.
    admin.post(path, item("crypto", "2026-11-04")).await.ok(201);
    let gone = admin
        .post(&format!("{path}/9999/end"), json!({"valid_to": "2026-11-03"}))
        .await;
    assert_eq!(gone.refusal().0, 404);
}

// orders.md §4: a file is what its bytes say; polyglots and animations are refused by name.
#[tokio::test]
async fn an_image_with_another_file_behind_it_and_an_animated_one_are_refused() {
    let world = World::make(77).await;
    let admin = world.admin().await;
    let (line, _) = material(&world, &admin, "2026-11-20").await;
    let zip = [png(240, 400), b"PK\x03\x04archive".to_vec()].concat();
    let mut gif = b"GIF89a\xf0\0\x90\x01\0\0\0".to_vec();
    for _ in 0..2 {
        gif.extend([0x2c, 0, 0, 0, 0, 0xf0, 0, 0x90, 1, 0, 2, 2, 0x4c, 1, 0]);
    }
    gif.push(0x3b);
    for (file, code) in [(&zip, "data_after_image"), (&gif, "image_is_animated")] {
        let answer = admin
            .post_form(
                &format!("{line}/materials"),
                &admin.fresh_key(),
                BANNER,
                Some(file),
            )
            .await;
        answer.refused_field(422, code, "file");
    }
}

#[tokio::test]
async fn a_line_is_asked_about_any_day_and_a_day_that_is_none_is_refused() {
    let world = World::make(78).await;
    let admin = world.admin().await;
    let (line, _) = material(&world, &admin, "2026-11-20").await;
    assert_eq!(
        why(&admin, &line, "2026-11-19").await,
        json!(["term_not_begun", "material_in_review"])
    );
    assert_eq!(
        why(&admin, &line, "2026-12-01").await,
        json!(["term_over", "material_in_review"])
    );
    for (day, code) in [("x", "bad_day"), ("9999-01-01", "day_out_of_range")] {
        admin
            .get(&format!("{line}?day={day}"))
            .await
            .refused_field(422, code, "day");
    }
}
