/* Namoyish browser tag: fills <div data-namoyish-placement="code"> elements.
 *
 *   <script async src="https://ads.example/tag.js" data-key="publishable key"></script>
 *   <div data-namoyish-placement="site-top" data-width="728" data-height="90"></div>
 *
 * An impression is told when the material is rendered, "viewable" when half of its pixels were in view for one second
 * (MRC). The size is reserved before anything is loaded, so that the page does not move. No cookie, no storage; with
 * "Do Not Track" not even the viewer id that the page may pass (data-viewer) is sent.
 */
(function () {
  "use strict";
  var script = document.currentScript || document.querySelector("script[data-key][src*='tag.js']");
  if (!script) return;
  var base = script.src.replace(/\/tag\.js.*$/, "");
  var key = script.getAttribute("data-key") || "";
  var viewer = script.getAttribute("data-viewer") || "";
  var untracked = navigator.doNotTrack === "1" || window.doNotTrack === "1" || navigator.globalPrivacyControl === true;
  var selector = "div[data-namoyish-placement]";

  function reserve(box, width, height) {
    if (width > 0) { box.style.width = width + "px"; box.style.maxWidth = "100%"; }
    if (height > 0) box.style.minHeight = height + "px";
    if (width > 0 && height > 0) box.style.aspectRatio = width + " / " + height;
    box.style.overflow = "hidden";
  }

  /* Called once each; keepalive, so that leaving the page does not lose it. Failed calls are repeated twice: the server
   * counts a URL once, however often it is called. */
  function tell(url, tries) {
    fetch(url, { method: "POST", mode: "cors", credentials: "omit", keepalive: true, referrerPolicy: "no-referrer" })
      .then(function (r) { if (r.status === 503) throw r; })
      .catch(function () { if (tries > 0) setTimeout(function () { tell(url, tries - 1); }, 2000); });
  }

  function watch(element, url) {
    if (!("IntersectionObserver" in window)) return;
    var timer = 0, inView = false;
    var observer = new IntersectionObserver(function (entries) {
      inView = entries[entries.length - 1].intersectionRatio >= 0.5;
      check();
    }, { threshold: [0, 0.5] });
    function check() {
      if (inView && document.visibilityState === "visible") {
        if (!timer) timer = setTimeout(function () { stop(); tell(url, 2); }, 1000);
      } else {
        clearTimeout(timer);
        timer = 0;
      }
    }
    function stop() {
      observer.disconnect();
      document.removeEventListener("visibilitychange", check);
    }
    document.addEventListener("visibilitychange", check);
    observer.observe(element);
  }

  function show(box, answer) {
    reserve(box, +box.getAttribute("data-width") || answer.width, +box.getAttribute("data-height") || answer.height);
    var ad = answer.ad;
    if (!ad) {
      box.setAttribute("data-namoyish-state", answer.no_ad || "no_ad");
      return;
    }
    var link = document.createElement("a");
    link.href = ad.click_url;
    link.target = "_blank";
    link.rel = "noopener sponsored";
    link.style.cssText = "display:block;color:inherit;text-decoration:none";
    function shown() {
      box.setAttribute("data-namoyish-state", "shown");
      tell(ad.impression_url, 2);
      watch(link, ad.viewable_url);
    }
    var image;
    if (ad.image_url) {
      image = document.createElement("img");
      image.alt = ad.title;
      if (ad.width) image.width = ad.width;
      if (ad.height) image.height = ad.height;
      image.style.cssText = "display:block;max-width:100%;height:auto;border:0";
      image.onload = shown;
      image.onerror = function () { box.setAttribute("data-namoyish-state", "broken"); };
      link.appendChild(image);
    }
    if (ad.kind !== "banner") {
      [["strong", ad.title], ["span", ad.body]].forEach(function (part) {
        if (!part[1]) return;
        var text = document.createElement(part[0]);
        text.style.display = "block";
        text.textContent = part[1];
        link.appendChild(text);
      });
    }
    box.textContent = "";
    box.appendChild(link);
    if (image) image.src = ad.image_url;
    else requestAnimationFrame(function () { requestAnimationFrame(shown); });
  }

  function ask(boxes) {
    var query = boxes.map(function (box) {
      return "placement=" + encodeURIComponent(box.getAttribute("data-namoyish-placement"));
    }).join("&") + "&key=" + encodeURIComponent(key);
    if (viewer && !untracked) query += "&viewer=" + encodeURIComponent(viewer);
    fetch(base + "/v1/ads?" + query, { mode: "cors", credentials: "omit", referrerPolicy: "no-referrer" })
      .then(function (r) { if (!r.ok) throw r; return r.json(); })
      .then(function (answers) { boxes.forEach(function (box, i) { show(box, answers.ads[i]); }); })
      .catch(function () { boxes.forEach(function (box) { box.setAttribute("data-namoyish-state", "unreachable"); }); });
  }

  function fill() {
    var boxes = [].filter.call(document.querySelectorAll(selector), function (box) {
      return !box.hasAttribute("data-namoyish-state");
    });
    boxes.forEach(function (box) {
      box.setAttribute("data-namoyish-state", "asked");
      reserve(box, +box.getAttribute("data-width"), +box.getAttribute("data-height"));
    });
    for (var i = 0; i < boxes.length; i += 16) ask(boxes.slice(i, i + 16));
  }

  /* Pages that add placements later call namoyish.fill(). */
  window.namoyish = { fill: fill };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", fill);
  else fill();
})();
