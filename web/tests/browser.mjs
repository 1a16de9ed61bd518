// What a person does in a browser, against the executable on an empty data folder:
//   node browser.mjs PATH/TO/namoyish [--screens FOLDER]
// Each step says what it found; the first disagreement ends the run with its number.
import { chromium } from "playwright-core";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const program = resolve(process.argv[2] ?? "target/release/namoyish");
const screensAt = process.argv.indexOf("--screens");
const screens = screensAt > 0 ? resolve(process.argv[screensAt + 1]) : "";
if (screens) mkdirSync(screens, { recursive: true });
const browserPath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
let held = 0;

function hold(what, condition, told = "") {
  if (!condition) throw new Error(`${what}${told === "" ? "" : `: ${told}`}`);
  held += 1;
  console.log(`ok ${held} ${what}`);
}

async function freePort() {
  return new Promise((done, failed) => {
    const server = createServer();
    server.on("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

// Asks until the answer is true; a bound instead of a guess.
async function until(what, seconds, question) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((next) => setTimeout(next, 250));
  }
}

const folder = mkdtempSync(join(tmpdir(), "namoyish-browser-"));
const [orders, delivery, metrics] = [await freePort(), await freePort(), await freePort()];
const cabinet = `http://127.0.0.1:${orders}`;
let output = "";

function start() {
  const child = spawn(program, ["--data", folder], {
    env: {
      ...process.env,
      NAMOYISH_ORDERS__LISTEN: `127.0.0.1:${orders}`,
      NAMOYISH_ORDERS__PUBLIC_URL: cabinet,
      NAMOYISH_DELIVERY__LISTEN: `127.0.0.1:${delivery}`,
      NAMOYISH_DELIVERY__PUBLIC_URL: `http://127.0.0.1:${delivery}`,
      NAMOYISH_METRICS__LISTEN: `127.0.0.1:${metrics}`,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.on("data", (text) => (output += text));
  child.stderr.on("data", (text) => (output += text));
  child.ended = new Promise((done) => child.on("exit", (code, signal) => done(code ?? signal)));
  return child;
}

async function ready(child) {
  await until("the platform is ready", 300, async () => {
    if (child.exitCode !== null) throw new Error(`the program ended with ${child.exitCode}`);
    const answers = await Promise.all(
      [`${cabinet}/readyz`, `http://127.0.0.1:${delivery}/readyz`].map((url) => fetch(url).then((r) => r.ok, () => false)),
    );
    return answers.every(Boolean);
  });
}

let child = start();
const browser = await chromium.launch({
  executablePath: browserPath,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ],
});

async function shot(page, name, options = {}) {
  if (screens) await page.screenshot({ path: join(screens, `${name}.png`), fullPage: true, ...options });
}

async function signIn(login, viewport = { width: 1280, height: 900 }) {
  const context = await browser.newContext({ viewport, locale: "uz" });
  const page = await context.newPage();
  await page.goto(`${cabinet}/sign-in`);
  await page.fill("#login", login);
  await page.fill("#password", "namoyish-demo");
  await page.click("main button[type=submit]");
  await page.waitForURL("**/cabinet");
  return page;
}

// The path of a media line's page, by its code.
async function linePath(page, code) {
  await page.goto(`${cabinet}/cabinet/orders`);
  const blanks = await page.$$eval('a[href^="/cabinet/orders/"]', (links) => [...new Set(links.map((a) => a.getAttribute("href")))]);
  for (const blank of blanks) {
    await page.goto(cabinet + blank);
    for (const path of await page.$$eval('a[href^="/cabinet/lines/"]', (links) => [...new Set(links.map((a) => a.getAttribute("href")))])) {
      await page.goto(cabinet + path);
      if ((await page.textContent("main")).includes(code)) return path;
    }
  }
  throw new Error(`no page shows the line ${code}`);
}

const counted = async (page, path) => {
  await page.goto(cabinet + path);
  const text = await page.textContent("[data-figure=impressions]");
  return Number(text.replace(/\D/g, ""));
};

async function run() {
  await ready(child);
  hold("the platform starts on an empty folder", true);

  // --- the cabinet
  const osh = await signIn("osh");
  hold("a customer signs in", await osh.isVisible("nav.sections"));
  await shot(osh, "cabinet-home");
  const oshLine = await linePath(osh, "OSH/1");
  const nonvoy = await signIn("nonvoy");
  const nonvoyLine = await linePath(nonvoy, "NON/1");
  const before = { osh: await counted(osh, oshLine), nonvoy: await counted(nonvoy, nonvoyLine) };
  const other = await osh.goto(cabinet + nonvoyLine);
  hold("another customer's line is not found", other.status() === 404, other.status());

  // --- the demo page: banners that are seen are counted, each once
  const viewer = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const demo = await viewer.newPage();
  const impressions = [];
  demo.on("response", (response) => {
    if (response.url().includes("/v1/i/") && response.request().method() === "POST") {
      impressions.push({ url: response.url(), status: response.status() });
    }
  });
  const seen = {};
  let banners = 0;
  for (let visit = 0; visit < 6; visit += 1) {
    await demo.goto(`${cabinet}/demo`);
    await demo.waitForFunction(() => {
      const boxes = [...document.querySelectorAll("[data-namoyish-placement]")];
      return boxes.length > 1 && boxes.every((box) => box.getAttribute("data-namoyish-state") === "shown");
    }, null, { timeout: 20_000 });
    const titles = await demo.$$eval("[data-namoyish-placement] img", (images) => images.map((image) => image.alt));
    titles.forEach((title) => (seen[title] = (seen[title] ?? 0) + 1));
    banners += titles.length;
    await until("the impressions of a visit are answered", 10, () => impressions.length >= banners);
  }
  await shot(demo, "demo");
  hold("the demo page shows banners", banners >= 12, JSON.stringify(seen));
  hold("every impression is answered with 204", impressions.every((call) => call.status === 204), JSON.stringify(impressions));
  const due = { osh: seen["Osh markazi — tepadagi banner"] ?? 0, nonvoy: seen["Nonvoy — Toshkent uchun"] ?? 0 };
  hold("media lines are among them", due.osh + due.nonvoy > 0, JSON.stringify(seen));
  await until("the cabinet counts what was seen", 30, async () =>
    (await counted(osh, oshLine)) === before.osh + due.osh && (await counted(nonvoy, nonvoyLine)) === before.nonvoy + due.nonvoy,
  ).catch(async (error) => {
    throw new Error(`${error.message}; ${JSON.stringify({ before, due, now: { osh: await counted(osh, oshLine), nonvoy: await counted(nonvoy, nonvoyLine) } })}`);
  });
  hold(`the counts grew by exactly what was seen (${due.osh} and ${due.nonvoy})`, true);

  // --- old URLs again, and one that was altered: nothing more is counted
  const again = await Promise.all(impressions.map((call) => fetch(call.url).then((r) => r.status)));
  hold("old impression URLs are answered politely", again.every((status) => status === 204), again.join());
  const altered = impressions[0].url.replace(/.$/, (last) => (last === "A" ? "B" : "A"));
  const refused = await fetch(altered);
  hold("an altered URL is refused", refused.status >= 400 && refused.status < 500, refused.status);
  // One more banner after them: when it is counted, the repeated calls would have been as well.
  const more = { ...due };
  await demo.goto(`${cabinet}/demo`);
  await demo.waitForFunction(() => [...document.querySelectorAll("[data-namoyish-placement]")].every((box) => box.getAttribute("data-namoyish-state") === "shown"));
  for (const title of await demo.$$eval("[data-namoyish-placement] img", (images) => images.map((image) => image.alt))) {
    if (title === "Osh markazi — tepadagi banner") more.osh += 1;
    if (title === "Nonvoy — Toshkent uchun") more.nonvoy += 1;
  }
  await new Promise((next) => setTimeout(next, 4000));
  await until("the last banner is counted", 30, async () =>
    (await counted(osh, oshLine)) === before.osh + more.osh && (await counted(nonvoy, nonvoyLine)) === before.nonvoy + more.nonvoy);
  hold("repeated and altered URLs counted nothing", true);

  // --- the line: plot, extra period set, refused, switched off
  await osh.goto(cabinet + oshLine);
  hold("the line has a plot with a title", await osh.isVisible("svg[role=img]"));
  await shot(osh, "line");
  await osh.goto(`${cabinet}${oshLine}/extra-period`);
  const lastDay = await osh.getAttribute("#last_day", "min");
  await osh.fill("#last_day", lastDay);
  await osh.fill("#extra_budget", "99999999999.00");
  await osh.click("main form button[type=submit]");
  hold("an extra budget over the budget is refused at its field", await osh.isVisible("#extra_budget[aria-invalid=true]"));
  await osh.fill("#extra_budget", "60000");
  await osh.click("main form.stack button[type=submit]");
  hold("the effect of an extra period is shown before it is set", await osh.isVisible("#effect-heading"));
  await shot(osh, "extra-period");
  await osh.click("form.actions button[type=submit]");
  await osh.waitForURL(`**${oshLine}**`);
  hold("the extra period is active", await osh.isVisible("li.extra.active"));
  await osh.click("li.extra.active button");
  await osh.waitForLoadState();
  hold("it is switched off at once", (await osh.$$("li.extra.active")).length === 0);

  // --- documents
  await osh.goto(`${cabinet}/cabinet/documents`);
  await shot(osh, "documents");
  const pdfPath = await osh.getAttribute('a[href*="/pdf?language="]', "href");
  const download = async (path) => Buffer.from(await (await osh.request.get(cabinet + path)).body());
  const pdf = await download(pdfPath);
  hold("last month's document is a PDF", pdf.subarray(0, 5).toString() === "%PDF-" && pdf.length > 10_000, pdf.length);
  hold("made again it is the same to the byte", pdf.equals(await download(pdfPath)));
  const xlsx = await download(pdfPath.replace("/pdf", "/xlsx"));
  hold("and an XLSX", xlsx.subarray(0, 2).toString() === "PK");
  const verify = await osh.getAttribute('a[href^="/verify?"]', "href");
  const public_ = await (await browser.newContext()).newPage();
  await public_.goto(cabinet + verify);
  hold("anyone can verify it", await public_.isVisible(".notice.good"));
  await public_.goto(`${cabinet}${verify.slice(0, -1)}${verify.endsWith("0") ? "1" : "0"}`);
  hold("a wrong hash is not genuine", await public_.isVisible("[role=alert]"));

  // --- languages and a telephone
  for (const [code, word] of [["ru", "Документы"], ["en", "Documents"], ["uz-Latn", "Hujjatlar"]]) {
    await osh.click(`form.languages button[value="${code}"]`);
    await osh.waitForLoadState();
    hold(`the cabinet speaks ${code}`, (await osh.getAttribute("html", "lang")) === code && (await osh.textContent("nav.sections")).includes(word));
  }
  const phone = await signIn("osh", { width: 360, height: 740 });
  for (const path of ["/cabinet", oshLine, "/cabinet/documents", "/cabinet/invoices"]) {
    await phone.goto(cabinet + path);
    const width = await phone.evaluate(() => document.documentElement.scrollWidth);
    hold(`${path.replace(/ln_\w+/, "line")} fits 360 pixels`, width <= 360, width);
  }
  await phone.goto(cabinet + oshLine);
  await shot(phone, "line-phone");

  // --- without a script
  const plain = await browser.newContext({ javaScriptEnabled: false });
  const page = await plain.newPage();
  await page.goto(`${cabinet}/sign-in`);
  await page.fill("#login", "bek");
  await page.fill("#password", "namoyish-demo");
  await page.click("main button[type=submit]");
  await page.waitForURL("**/cabinet");
  hold("the cabinet works without JavaScript", (await page.textContent("main")).length > 100);

  // --- Ctrl-C and a second start
  child.kill("SIGINT");
  hold("Ctrl-C ends it cleanly", (await child.ended) === 0);
  child = start();
  await ready(child);
  const later = await signIn("osh");
  hold("a second start goes on where the first stopped", (await counted(later, oshLine)) >= before.osh + more.osh);
}

let failure = null;
try {
  await run();
} catch (error) {
  failure = error;
}
await browser.close();
child.kill("SIGINT");
await child.ended;
rmSync(folder, { recursive: true, force: true });
if (failure) {
  console.log(output.split("\n").slice(-60).join("\n"));
  console.log(`not ok ${held + 1} ${failure.message}`);
}
console.log(`browser: ${held} passed, ${failure ? 1 : 0} failed`);
process.exit(failure ? 1 : 0);
