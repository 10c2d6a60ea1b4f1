// Puts instants into the zone of whoever looks, and keeps relative times true.
// The server wrote them in UTC, and the title keeps that.
(() => {
	"use strict";
	const forms = {
		full: { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
		dated: { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
		minute: { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
		hour: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
		day: { weekday: "short", day: "numeric", month: "short" },
	};
	const formats = Object.fromEntries(Object.entries(forms).map(([name, form]) => [name, new Intl.DateTimeFormat("en-GB", form)]));

	const two = (a, unit, b, smaller) => (b ? `${a} ${unit} ${b} ${smaller}` : `${a} ${unit}`);

	// As roughly in times.go.
	function roughly(seconds) {
		const minute = 60, hour = 3600, day = 86400, whole = Math.floor;
		if (seconds < minute) return `${whole(seconds)} s`;
		if (seconds < 10 * minute) return two(whole(seconds / minute), "min", whole(seconds % minute), "s");
		if (seconds < hour) return `${whole(seconds / minute)} min`;
		if (seconds < day) return two(whole(seconds / hour), "h", whole((seconds % hour) / minute), "min");
		if (seconds < 14 * day) return two(whole(seconds / day), "d", whole((seconds % day) / hour), "h");
		return `${whole(seconds / day)} d`;
	}

	function relative(at) {
		const seconds = (at - Date.now()) / 1000;
		if (Math.abs(seconds) < 1) return "now";
		return seconds > 0 ? `in ${roughly(seconds)}` : `${roughly(-seconds)} ago`;
	}

	function write(root) {
		for (const element of root.querySelectorAll("time[data-form]")) {
			const at = new Date(element.dateTime), form = element.dataset.form;
			const text = form === "relative" ? relative(at) : formats[form].format(at);
			if (element.textContent !== text) element.textContent = text;
		}
	}

	write(document);
	setInterval(() => write(document), 1000);
	document.addEventListener("htmx:afterSettle", () => write(document));
})();
