// Keeps a page up to date, and gives it a keyboard. Without it everything works,
// but stands still.
(() => {
	"use strict";
	const every = 5000;
	const button = document.getElementById("live-switch");
	const region = () => document.querySelector("[data-live]:not([data-live=never])");
	let live = sessionStorage.getItem("punctual-live") !== "off";

	// What somebody is about to click, has ticked or is reading is left alone.
	function busy(part) {
		return document.hidden || part.matches(":hover, :focus-within") || part.querySelector("input:checked, details[open]") !== null
			|| String(getSelection()) !== "";
	}

	async function refresh() {
		const part = region();
		if (!live || !part || busy(part)) return;
		try {
			const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" });
			if (!answer.ok) return;
			const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
			const next = fresh.getElementById(part.id);
			if (!next || busy(part)) return;
			part.replaceWith(next);
			htmx.process(next);
			const pulse = fresh.getElementById("pulse");
			if (pulse) document.getElementById("pulse").replaceWith(pulse);
			document.dispatchEvent(new Event("htmx:afterSettle"));
		} catch {
			// The server is away; it is asked again.
		}
	}

	function showLive() {
		button.classList.toggle("off", !region()); // its place is kept: nothing moves
		button.setAttribute("aria-pressed", String(live));
		button.textContent = live ? "Live" : "Held";
	}

	button.addEventListener("click", () => {
		live = !live;
		sessionStorage.setItem("punctual-live", live ? "on" : "off");
		showLive();
		refresh();
	});
	showLive();
	setInterval(refresh, every);

	document.addEventListener("keydown", (event) => {
		const writes = event.target.closest("input, textarea, select");
		if (event.key === "/" && !writes && !event.ctrlKey && !event.metaKey) {
			event.preventDefault();
			document.getElementById("find").focus();
		}
		if (event.key === "Escape") {
			document.getElementById("found").replaceChildren();
			for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
		}
		const found = [...document.querySelectorAll("#found a")];
		if (found.length > 0 && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
			event.preventDefault();
			const step = event.key === "ArrowDown" ? 1 : -1;
			const at = found.indexOf(document.activeElement);
			(found[at + step] ?? document.getElementById("find")).focus();
		}
	});

	document.addEventListener("click", (event) => {
		if (!event.target.closest(".find")) document.getElementById("found").replaceChildren();
	});

	document.addEventListener("change", (event) => {
		if (event.target.matches("[data-all]")) {
			for (const box of document.querySelectorAll("input[name=key]")) box.checked = event.target.checked;
		}
		if (event.target.matches("select[name=kind]")) showKind();
	});

	function showKind() {
		const kind = document.querySelector("select[name=kind]");
		if (!kind) return;
		for (const part of document.querySelectorAll("[data-kind]")) part.hidden = part.dataset.kind !== kind.value;
	}
	showKind();

	// Output is followed at its end, as long as nobody has scrolled up.
	const wrote = document.getElementById("wrote");
	if (wrote) {
		let atEnd = true;
		wrote.addEventListener("scroll", () => { atEnd = wrote.scrollTop + wrote.clientHeight >= wrote.scrollHeight - 8; });
		new MutationObserver(() => { if (atEnd) wrote.scrollTop = wrote.scrollHeight; }).observe(wrote, { childList: true });
	}
})();
