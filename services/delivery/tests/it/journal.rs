//! The journal: what was answered for survives `kill -9`; what can't be written is not answered for (delivery.md §4, §6a).

use crate::ship::{event, journal};
use namoyish_delivery::journal::record::read_segment;
use namoyish_delivery::journal::{Event, EventKind, Journal, JournalError, JournalOptions};
use namoyish_domain::ids::LineId;
use namoyish_runtime::ids::Generator;
use namoyish_testkit::START;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use uuid::Uuid;

/// Set in the child that is killed: the folder of its journal.
const CHILD: &str = "NAMOYISH_TEST_JOURNAL";

fn numbered(number: u32) -> Event {
    event(
        LineId::from_uuid(Uuid::from_u128(5)),
        EventKind::Impression,
        number,
        START,
    )
}

fn options(seed: u64) -> JournalOptions {
    JournalOptions::new("node-1", START, Generator::seeded(seed))
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|of| of == extension))
        .collect();
    found.sort();
    found
}

fn numbers_in(journal: &Journal) -> Vec<u32> {
    let mut numbers = Vec::new();
    for segment in journal.sealed() {
        let (content, _) = segment.read().unwrap();
        assert!(content.is_sealed);
        assert_eq!(u64::try_from(content.events.len()).unwrap(), segment.records);
        numbers.extend(content.events.iter().map(|event| event.number));
    }
    numbers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_who_wait_are_woken_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal(&dir, "node-1", 1);
    let tasks: Vec<_> = (0..32)
        .map(|task| {
            let journal = Arc::clone(&journal);
            tokio::spawn(async move {
                for n in 0..20 {
                    let position = journal.append(&numbered(task * 100 + n)).unwrap();
                    journal.durable(position).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let segment = journal.seal().unwrap().unwrap();
    assert_eq!(segment.records, 640);
    assert_eq!(journal.seal().unwrap(), None, "nothing new");
    let mut numbers = numbers_in(&journal);
    numbers.sort_unstable();
    assert_eq!(
        numbers,
        (0..32)
            .flat_map(|task| (0..20).map(move |n| task * 100 + n))
            .collect::<Vec<u32>>()
    );
}

/// Not a test of its own: the child of the next one, which kills it.
#[tokio::test]
async fn child_that_writes_until_it_is_killed() {
    let Some(dir) = std::env::var_os(CHILD) else {
        return;
    };
    let journal = Journal::open(PathBuf::from(dir), options(1)).unwrap();
    for number in 0..u32::MAX {
        let position = journal.append(&numbered(number)).unwrap();
        journal.durable(position).await.unwrap();
        println!("durable {number}");
    }
}

#[test]
fn every_record_that_was_answered_for_survives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "journal::child_that_writes_until_it_is_killed",
            "--nocapture",
        ])
        .env(CHILD, dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut newest = None;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        if let Some(number) = line
            .unwrap()
            .strip_prefix("durable ")
            .and_then(|number| number.parse::<u32>().ok())
        {
            newest = Some(number);
            if number == 200 {
                child.kill().unwrap();
            }
        }
    }
    child.wait().unwrap();
    let answered = newest.unwrap();
    assert!(answered >= 200);
    let recovered = numbers_in(&Journal::open(dir.path(), options(2)).unwrap());
    assert!(
        recovered.len() > usize::try_from(answered).unwrap(),
        "{} of {answered}",
        recovered.len()
    );
    assert!(
        recovered
            .iter()
            .enumerate()
            .all(|(index, number)| u32::try_from(index).unwrap() == *number)
    );
}

#[tokio::test]
async fn a_torn_tail_is_cut_at_the_last_whole_record() {
    let dir = tempfile::tempdir().unwrap();
    let first = Journal::open(dir.path(), options(1)).unwrap();
    for number in 0..5 {
        first.append(&numbered(number)).unwrap();
    }
    drop(first);
    let [open] = files(dir.path(), "open").try_into().unwrap();
    let whole = std::fs::read(&open).unwrap();
    // A record that was half written, then bytes that never were one.
    let mut torn = whole[..whole.len() - 30].to_vec();
    torn.extend_from_slice(&[0xff; 7]);
    std::fs::write(&open, &torn).unwrap();

    let again = Journal::open(dir.path(), options(2)).unwrap();
    assert_eq!(numbers_in(&again), [0, 1, 2, 3]);
    assert_eq!(files(dir.path(), "open"), [] as [PathBuf; 0]);
    // The journal goes on in another segment; the next life lists both.
    again.append(&numbered(9)).unwrap();
    drop(again);
    assert_eq!(
        numbers_in(&Journal::open(dir.path(), options(3)).unwrap()),
        [0, 1, 2, 3, 9]
    );
}

#[test]
fn a_file_without_a_header_is_put_aside_and_an_empty_one_cleared_away() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("node-1-0-1.open"), b"NMY").unwrap();
    std::fs::write(dir.path().join("node-1-0-2.sealed"), vec![7; 300]).unwrap();
    let first = Journal::open(dir.path(), options(1)).unwrap();
    assert_eq!(first.sealed(), []);
    assert_eq!(std::fs::read_dir(dir.path().join("damaged")).unwrap().count(), 2);
    drop(first);
    assert_eq!(files(dir.path(), "open"), [] as [PathBuf; 0]);
}

#[test]
fn a_folder_is_one_journals_alone() {
    let dir = tempfile::tempdir().unwrap();
    let first = Journal::open(dir.path(), options(1)).unwrap();
    let refused = Journal::open(dir.path(), options(2)).unwrap_err();
    assert!(matches!(refused, JournalError::InUse(_)), "{refused}");
    drop(first);
    Journal::open(dir.path(), options(3)).unwrap();
}

#[tokio::test]
async fn what_the_disk_refuses_is_not_answered_for_and_the_next_record_is() {
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().join("journal");
    let journal = Journal::open(&inside, options(1)).unwrap();
    std::fs::remove_dir_all(&inside).unwrap();
    let position = journal.append(&numbered(1)).unwrap();
    let refused = journal.durable(position).await.unwrap_err();
    assert_eq!(refused.code(), "journal_not_written");
    std::fs::create_dir_all(&inside).unwrap();
    let position = journal.append(&numbered(2)).unwrap();
    journal.durable(position).await.unwrap();
    journal.seal().unwrap().unwrap();
    assert_eq!(numbers_in(&journal), [2]);
}

#[test]
fn a_large_segment_is_sealed_by_itself_and_segments_keep_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let small = JournalOptions {
        segment_bytes_max: 500,
        sync: false,
        ..options(1)
    };
    let journal = Journal::open(dir.path(), small).unwrap();
    for number in 0..30 {
        journal.append(&numbered(number)).unwrap();
        journal.seal().unwrap();
    }
    assert_eq!(journal.sealed().len(), 30);
    assert_eq!(numbers_in(&journal), (0..30).collect::<Vec<u32>>());
    drop(journal);
    let again = Journal::open(dir.path(), options(2)).unwrap();
    assert_eq!(
        numbers_in(&again),
        (0..30).collect::<Vec<u32>>(),
        "also after a restart"
    );
    let ids: std::collections::BTreeSet<Uuid> =
        again.sealed().iter().map(|segment| segment.id.uuid()).collect();
    assert_eq!(ids.len(), 30);
}

#[tokio::test]
async fn records_that_fill_a_segment_seal_it_without_being_asked() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(
        dir.path(),
        JournalOptions {
            segment_bytes_max: 500,
            ..options(1)
        },
    )
    .unwrap();
    for number in 0..30 {
        let position = journal.append(&numbered(number)).unwrap();
        journal.durable(position).await.unwrap();
    }
    assert!(journal.sealed().len() >= 4, "{}", journal.sealed().len());
    journal.seal().unwrap();
    assert_eq!(numbers_in(&journal), (0..30).collect::<Vec<u32>>());
}

#[tokio::test]
async fn without_sync_records_gather_in_memory_and_are_kept_by_a_drop() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(
        dir.path(),
        JournalOptions {
            sync: false,
            ..options(1)
        },
    )
    .unwrap();
    let position = journal.append(&numbered(0)).unwrap();
    journal.durable(position).await.unwrap();
    assert!(journal.waiting_bytes() > 0);
    assert_eq!(
        files(dir.path(), "open"),
        [] as [PathBuf; 0],
        "no system call for a record"
    );
    drop(journal);
    assert_eq!(numbers_in(&Journal::open(dir.path(), options(2)).unwrap()), [0]);
}

#[test]
fn applied_segments_are_kept_or_deleted_as_set() {
    for (keep_applied, kept) in [(true, 1), (false, 0)] {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(
            dir.path(),
            JournalOptions {
                keep_applied,
                ..options(1)
            },
        )
        .unwrap();
        journal.append(&numbered(0)).unwrap();
        let segment = journal.seal().unwrap().unwrap();
        journal.archive(&segment, true).unwrap();
        journal.archive(&segment, true).unwrap();
        assert_eq!(journal.sealed(), []);
        assert!(!segment.path.exists());
        let applied = dir.path().join("applied");
        let found = if applied.exists() {
            std::fs::read_dir(&applied).unwrap().count()
        } else {
            0
        };
        assert_eq!(found, kept);
    }
}

#[test]
fn any_truncation_of_a_file_leaves_a_prefix() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), options(1)).unwrap();
    for number in 0..4 {
        journal.append(&numbered(number)).unwrap();
    }
    let segment = journal.seal().unwrap().unwrap();
    let bytes = std::fs::read(&segment.path).unwrap();
    drop(journal);
    for length in 0..bytes.len() {
        let cut = tempfile::tempdir().unwrap();
        let open = cut.path().join("node-1-0-1.open");
        std::fs::write(&open, &bytes[..length]).unwrap();
        let numbers = numbers_in(&Journal::open(cut.path(), options(2)).unwrap());
        assert_eq!(
            numbers,
            (0..u32::try_from(numbers.len()).unwrap()).collect::<Vec<u32>>(),
            "cut at {length}"
        );
        let whole = read_segment(&bytes[..length]).map_or(0, |content| content.events.len());
        assert_eq!(numbers.len(), whole);
    }
}
