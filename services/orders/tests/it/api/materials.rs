//! Ad materials: upload by bytes, deadlines, moderation, and the line's history of it.

use super::client::Client;
use super::world::{BANNER, World, png};
use namoyish_runtime::context::Role;
use serde_json::json;

async fn signed_media(world: &World, client: &Client, first_day: &str, last_day: &str) -> String {
    let blank = world
        .signed(client, vec![world.media_line("300000.00", first_day, last_day)])
        .await;
    format!("/api/v1/lines/{}", blank.text("/lines/0/id"))
}

#[tokio::test]
async fn a_banner_is_uploaded_approved_and_lets_the_line_run() {
    let world = World::make(50).await;
    let admin = world.admin().await;
    let line = signed_media(&world, &admin, "2026-11-05", "2026-11-30").await;
    let owner = world.client(Role::Owner, Some(world.customer)).await;
    let banner = png(240, 400);
    let submitted = owner
        .post_form(&format!("{line}/materials"), "m-1", BANNER, Some(&banner))
        .await
        .ok(201);
    assert_eq!(
        (submitted.text("/live_from"), submitted.text("/decision/state")),
        ("2026-11-05".to_owned(), "submitted".to_owned())
    );
    assert_eq!(
        (submitted.json["width"].clone(), submitted.json["height"].clone()),
        (json!(240), json!(400))
    );
    // The same key and content again, whatever boundary the client draws: one version.
    let again = owner
        .post_form(&format!("{line}/materials"), "m-1", BANNER, Some(&banner))
        .await
        .ok(201);
    assert!(again.replayed);
    assert_eq!(submitted.bytes, again.bytes);

    let moderator = world.client(Role::Moderator, None).await;
    let queue = moderator.get("/api/v1/materials").await.ok(200);
    let path = format!("/api/v1/materials/{}", queue.text("/items/0/id"));
    assert_eq!(
        owner
            .post(&format!("{path}/decide"), json!({"verdict": "approve"}))
            .await
            .refusal()
            .0,
        403
    );
    let version = world.test.store.snapshot_version().await.unwrap();
    let approved = moderator
        .post(&format!("{path}/decide"), json!({"verdict": "approve"}))
        .await
        .ok(200);
    assert_eq!(approved.text("/decision/state"), "approved");
    assert!(
        world.test.store.snapshot_version().await.unwrap() > version,
        "serving nodes are told"
    );
    assert_eq!(
        moderator.get("/api/v1/materials").await.ok(200).json["items"],
        json!([])
    );

    let file = owner.get(&format!("{path}/file")).await.ok(200);
    assert_eq!((file.media_type.as_str(), &file.bytes), ("image/png", &banner));
    let stranger = world.client(Role::Owner, Some(world.other_customer)).await;
    for path in [path.clone(), format!("{path}/file")] {
        assert_eq!(stranger.get(&path).await.refusal().0, 404);
    }
    world.advance_to("2026-11-05T10:00:00");
    let body = json!({"customer": world.customer.to_string(), "amount": "336000.00"});
    admin.post("/api/v1/payments", body).await.ok(201);
    assert_eq!(admin.get(&line).await.ok(200).json["not_running"], json!([]));

    let twice = moderator
        .post(&format!("{path}/decide"), json!({"verdict": "approve"}))
        .await;
    assert_eq!(twice.refusal(), (409, "material_already_decided".to_owned()));
    let withdraw = json!({"verdict": "withdraw", "reasons": ["untrue_content"]});
    moderator.post(&format!("{path}/decide"), withdraw).await.ok(200);
    assert_eq!(
        admin.get(&line).await.ok(200).json["not_running"],
        json!(["material_withdrawn"])
    );
    let whole = moderator.get(&path).await.ok(200);
    let states: Vec<&str> = whole.json["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["submitted", "approved", "withdrawn"]);
}

#[tokio::test]
async fn a_file_that_does_not_fit_is_refused_by_name_and_limit() {
    let world = World::make(51).await;
    let admin = world.admin().await;
    let line = signed_media(&world, &admin, "2026-12-01", "2026-12-31").await;
    let path = format!("{line}/materials");
    let mut heavy = png(240, 400);
    heavy.resize(50_001, 0);
    let mut script = png(240, 400);
    script.extend(b"<script>alert(1)</script>");
    let mut cut = png(240, 400);
    cut.truncate(cut.len() - 40);
    let banner = png(240, 400);
    let files: [(&[u8], &str, Option<&str>); 6] = [
        (&png(241, 400), "image_of_wrong_size", Some("240x400")),
        (&heavy, "file_too_heavy", Some("50000 bytes")),
        (
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>",
            "active_content",
            None,
        ),
        (&script, "active_content", None),
        (b"%PDF-1.7", "file_of_another_type", Some("PNG, JPEG, GIF, WebP")),
        (&cut, "file_is_broken", None),
    ];
    for (file, code, limit) in files {
        let answer = admin
            .post_form(&path, &admin.fresh_key(), BANNER, Some(file))
            .await;
        answer.refused_field(422, code, "file");
        assert_eq!(answer.json["limit"].as_str(), limit, "{code}");
    }
    for (name, text, code, field) in [
        (
            "target_url",
            "http://osh.example.uz",
            "bad_target_url",
            "target_url",
        ),
        (
            "target_url",
            "javascript:alert(1)",
            "bad_target_url",
            "target_url",
        ),
        ("title", "", "missing", "title"),
        ("kind", "article", "material_of_another_kind", "kind"),
        ("kind", "video", "unknown_value", "kind"),
    ] {
        let texts: Vec<(&str, &str)> = BANNER
            .iter()
            .map(|(own, value)| {
                if *own == name {
                    (*own, text)
                } else {
                    (*own, *value)
                }
            })
            .collect();
        let answer = admin
            .post_form(&path, &admin.fresh_key(), &texts, Some(&banner))
            .await;
        answer.refused_field(422, code, field);
    }
    let without = admin.post_form(&path, &admin.fresh_key(), BANNER, None).await;
    without.refused_field(422, "file_missing", "file");
    let unknown = admin
        .post_form(&path, &admin.fresh_key(), &[("colour", "red")], None)
        .await;
    unknown.refused_field(400, "bad_form", "colour");
    let not_a_form = admin.post(&path, json!({})).await;
    not_a_form.refused_field(400, "bad_form", "body");
    assert_eq!(admin.get(&path).await.ok(200).json["items"], json!([]));
}

#[tokio::test]
async fn a_late_first_material_moves_the_term_and_a_late_change_waits() {
    let world = World::make(52).await;
    let admin = world.admin().await;
    // Signed on Monday 2 November for Thursday the 5th: in time is Monday; on Tuesday it is late by a day.
    let line = signed_media(&world, &admin, "2026-11-05", "2026-11-30").await;
    world.advance_to("2026-11-03T18:00:00");
    let materials = format!("{line}/materials");
    let late = admin
        .post_form(&materials, "m-1", BANNER, Some(&png(240, 400)))
        .await
        .ok(201);
    assert_eq!(late.json["term_moved_to"], json!(["2026-11-06", "2026-12-01"]));
    let standing = admin.get(&line).await.ok(200);
    assert_eq!(
        (standing.text("/first_day"), standing.text("/last_day")),
        ("2026-11-06".to_owned(), "2026-12-01".to_owned())
    );
    assert_eq!(standing.text("/ordered_first_day"), "2026-11-05");
    let changes = admin.get(&format!("{line}/changes")).await.ok(200);
    let kinds: Vec<&str> = changes.json["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["term_moved", "material_submitted"]);
    assert_eq!(standing.json["material_due_on"], json!(null));

    // A change during service: three business days later, and the term stays.
    world.advance_to("2026-11-12T09:00:00");
    let change = admin
        .post_form(&materials, "m-2", BANNER, Some(&png(240, 400)))
        .await
        .ok(201);
    assert_eq!(
        (change.text("/live_from"), change.json["term_moved_to"].clone()),
        ("2026-11-17".to_owned(), json!(null))
    );
    assert_eq!(change.json["version"], 2);
    world.advance_to("2026-11-30T09:00:00");
    let too_late = admin
        .post_form(&materials, "m-3", BANNER, Some(&png(240, 400)))
        .await;
    assert_eq!(too_late.refusal(), (422, "material_too_late".to_owned()));
}

#[tokio::test]
async fn a_late_text_moves_a_period_line_by_months() {
    let world = World::make(53).await;
    let admin = world.admin().await;
    let blank = world
        .signed(&admin, vec![world.period_line("2026-12", "2027-01")])
        .await;
    let line = format!("/api/v1/lines/{}", blank.text("/lines/0/id"));
    let text = [
        ("kind", "text"),
        ("title", "Osh"),
        ("body", "Yangi menyu"),
        ("target_url", "https://osh.example.uz"),
    ];
    world.advance_to("2026-11-19T09:00:00");
    let late = admin
        .post_form(&format!("{line}/materials"), "m-1", &text, None)
        .await
        .ok(201);
    assert_eq!(late.json["term_moved_to"], json!(["2027-01-01", "2027-02-28"]));
    let too_long = [
        ("kind", "text"),
        ("title", "Osh"),
        ("body", &"m".repeat(201)),
        ("target_url", "https://osh.example.uz"),
    ];
    let refused = admin
        .post_form(&format!("{line}/materials"), "m-2", &too_long, None)
        .await;
    refused.refused_field(422, "too_long", "body");
    assert_eq!(refused.text("/limit"), "200 characters");
}

#[tokio::test]
async fn a_rejected_material_names_its_reasons_and_does_not_count_as_submitted() {
    let world = World::make(54).await;
    let admin = world.admin().await;
    let line = signed_media(&world, &admin, "2026-11-06", "2026-11-30").await;
    let materials = format!("{line}/materials");
    let first = admin
        .post_form(&materials, "m-1", BANNER, Some(&png(240, 400)))
        .await
        .ok(201);
    let decide = format!("/api/v1/materials/{}/decide", first.text("/id"));
    admin
        .post(&decide, json!({"verdict": "reject"}))
        .await
        .refused_field(422, "reason_missing", "reasons");
    admin
        .post(&decide, json!({"verdict": "reject", "reasons": ["other"]}))
        .await
        .refused_field(422, "comment_missing", "comment");
    admin
        .post(&decide, json!({"verdict": "reject", "reasons": ["bad"]}))
        .await
        .refused_field(422, "reason_not_in_force", "reasons");
    admin
        .post(
            &decide,
            json!({"verdict": "require_documents", "reasons": ["language"]}),
        )
        .await
        .refused_field(422, "reason_for_another_verdict", "reasons");
    admin
        .post(&decide, json!({"verdict": "burn"}))
        .await
        .refused_field(422, "unknown_value", "verdict");
    let body = json!({"verdict": "reject", "reasons": ["quality", "other"], "comment": "Logotip o'qilmaydi"});
    let rejected = admin.post(&decide, body).await.ok(200);
    assert_eq!(rejected.json["decision"]["reasons"], json!(["quality", "other"]));
    assert_eq!(rejected.text("/decision/comment"), "Logotip oʻqilmaydi");
    // The next one, two days later, is a first material and late.
    world.advance_to("2026-11-04T09:00:00");
    let second = admin
        .post_form(&materials, "m-2", BANNER, Some(&png(240, 400)))
        .await
        .ok(201);
    assert_eq!(second.json["term_moved_to"], json!(["2026-11-07", "2026-12-01"]));
}

#[tokio::test]
async fn materials_are_for_contracts_only() {
    let world = World::make(55).await;
    let admin = world.admin().await;
    let line = world.media_line("300000.00", "2026-12-01", "2026-12-31");
    let drawn_up = admin
        .post("/api/v1/order-blanks", world.blank(vec![line]))
        .await
        .ok(201);
    let path = format!("/api/v1/lines/{}/materials", drawn_up.text("/lines/0/id"));
    let refused = admin.post_form(&path, "m-1", BANNER, Some(&png(240, 400))).await;
    assert_eq!(refused.refusal(), (409, "order_blank_not_in_force".to_owned()));
    let service = json!({"kind": "additional", "item": "DESIGN", "once": "2026-12-05"});
    let blank = world.signed(&admin, vec![service]).await;
    let path = format!("/api/v1/lines/{}/materials", blank.text("/lines/0/id"));
    let refused = admin.post_form(&path, "m-2", BANNER, Some(&png(240, 400))).await;
    assert_eq!(refused.refusal(), (422, "line_takes_no_material".to_owned()));
}
