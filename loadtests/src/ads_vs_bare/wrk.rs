//! Load by wrk on core 1: keep-alive connections, requests prepared beforehand, exact figures from its own summary.

use crate::figures::Measured;
use crate::lines::Market;
use crate::servers::Server;
use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// wrk's answer stands in a line with this before it.
const MARK: &str = "figures:";

/// Told at the end of a run, by wrk itself.
const DONE: &str = r#"
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    'figures:{"requests":%d,"microseconds":%d,"bytes":%d,"p50":%d,"p99":%d,"failed":%d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"#;

/// Requests from a file, one after the other; the file has a request's path a line.
const CALLS: &str = r#"
local paths, at = {}, 0
function init(args)
  for line in io.lines(args[1]) do
    paths[#paths + 1] = line
  end
end
function request()
  at = at % #paths + 1
  return wrk.format("GET", paths[at])
end
"#;

/// A wrk script with its data.
pub struct Script {
    path: PathBuf,
    data: Option<PathBuf>,
    connections: u32,
}

/// Whether wrk is there.
pub async fn check() -> anyhow::Result<()> {
    Command::new("wrk")
        .arg("--version")
        .output()
        .await
        .context("wrk can't be run: is it installed?")?;
    Ok(())
}

impl Script {
    /// Questions for one placement each, from every region.
    pub fn ads(work: &Path, market: &Market, connections: u32) -> anyhow::Result<Script> {
        let mut text = String::from("local bodies, viewers, at = {}, {}, 0\nlocal ready = {}\n");
        for placement in &market.placements {
            let question = serde_json::json!({ "placements": [placement] });
            writeln!(text, "bodies[#bodies + 1] = '{question}'")?;
        }
        for viewer in &market.viewers {
            writeln!(text, "viewers[#viewers + 1] = '{viewer}'")?;
        }
        write!(
            text,
            "function init(args)\n  for _, viewer in ipairs(viewers) do\n    for _, body in ipairs(bodies) do\n      \
             ready[#ready + 1] = wrk.format('POST', '/v1/ads', {{['Authorization'] = 'Bearer {}', \
             ['Content-Type'] = 'application/json', ['X-Forwarded-For'] = viewer}}, body)\n    end\n  end\nend\n\
             function request()\n  at = (at + 7) % #ready\n  return ready[at + 1]\nend\n{DONE}",
            market.key
        )?;
        let path = work.join("ads.lua");
        fs::write(&path, text)?;
        Ok(Script {
            path,
            data: None,
            connections,
        })
    }

    /// Calls of the URLs given by [`Script::put_urls`].
    pub fn impressions(work: &Path, connections: u32) -> anyhow::Result<Script> {
        let path = work.join("impressions.lua");
        fs::write(&path, format!("{CALLS}{DONE}"))?;
        Ok(Script {
            path,
            data: Some(work.join("urls")),
            connections,
        })
    }

    pub fn put_urls(&self, urls: &[String]) -> anyhow::Result<()> {
        let data = self.data.as_ref().context("a script with URLs")?;
        Ok(fs::write(data, urls.join("\n"))?)
    }

    /// Loads a server for so many seconds.
    pub async fn run(&self, server: &Server, seconds: u32) -> anyhow::Result<Measured> {
        let mut wrk = Command::new("wrk");
        wrk.args([
            "-t1",
            "-d",
            &format!("{seconds}s"),
            "-c",
            &self.connections.to_string(),
            "--timeout",
            "10s",
            "-s",
        ]);
        wrk.arg(&self.path).arg(&server.url);
        if let Some(data) = &self.data {
            wrk.arg("--").arg(data);
        }
        wrk.stdin(Stdio::null()).kill_on_drop(true);
        let before = server.cpu()?;
        let patience = Duration::from_secs(u64::from(seconds) + 60);
        let output = tokio::time::timeout(patience, wrk.output())
            .await
            .context("wrk doesn't end")??;
        let cpu = server.cpu()? - before;
        let text = String::from_utf8_lossy(&output.stdout);
        let Some(line) = text.lines().find_map(|line| line.strip_prefix(MARK)) else {
            bail!(
                "wrk told nothing: {text}{}",
                String::from_utf8_lossy(&output.stderr)
            );
        };
        let told: Value = serde_json::from_str(line)?;
        let figure = |name: &str| told[name].as_f64().with_context(|| format!("{name} in {line}"));
        ensure!(figure("failed")? == 0.0, "requests failed: {line}");
        let requests = figure("requests")?;
        Ok(Measured {
            requests: usize::try_from(told["requests"].as_u64().unwrap_or(0))?,
            rate: requests / figure("microseconds")? * 1e6,
            p50: figure("p50")? / 1e3,
            p99: figure("p99")? / 1e3,
            cpu: cpu.as_secs_f64() * 1e6 / requests,
            bytes: figure("bytes")? / requests,
        })
    }
}
