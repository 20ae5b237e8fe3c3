// The work of categorize, crm-map and crm-push -n in Node, as sync.jq has it: node sync.mjs SHEET STAGE...
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const fold = (text) => text.toLowerCase().replaceAll(" ", "");

const sheet = new Map(readFileSync(process.argv[2], "utf8").split("\n").slice(1, -1).map((row) => {
	const [type, category] = row.split(",");
	return [fold(type), category];
}));

const rows = {
	"Surgical Consult": { pipeline: "surgical", booked: "Consult Booked", checked_out: "Consult Complete" },
	"Surgical Appointment": { pipeline: "surgical", booked: "Surgery Scheduled", checked_out: "Surgery Complete" },
	"Non-Surgical Consult": { pipeline: "non-surgical", booked: "Booked", checked_out: "Patient" },
	"Non-Surgical Appointment": { pipeline: "non-surgical", booked: "Booked", checked_out: "Patient" },
};
const genders = { f: "female", female: "female", m: "male", male: "male", "non-binary": "other" };
const shown = { booked: "Booked", checked_out: "Checked Out", cancelled: "Cancelled", no_show: "No-Show" };
const named = { surgical: "Surgical", "non-surgical": "Non-Surgical" };
const wins = (stage) => stage === "Patient" || stage === "Surgery Complete";

function categorize(event) {
	if (event.appointment) {
		const category = sheet.get(fold(event.appointment.type)), row = rows[category];
		if (category) event.category = category;
		if (row) {
			event.pipeline = row.pipeline;
			event.stage = row[event.appointment.status] ?? "Cancelled / No-Show";
		}
	}
	return [event];
}

function filled(object) {
	for (const key in object) if (object[key] == null || object[key] === "") delete object[key];
	return object;
}

function e164(text) {
	const digits = text.replace(/[^0-9]/g, "");
	if (digits.length === 10) return "+1" + digits;
	return digits.length === 11 && digits[0] === "1" ? "+" + digits : null;
}

const lines = (head, labelled) => head + labelled.filter(([, value]) => value).map(([label, value]) => `\n${label}: ${value}`).join("");

const contact = (p, phone, set, fields) => ({ op: "contact.upsert", match: filled({ pnow_id: p.id, email: p.email, phone }),
	set: filled(set), fields: filled(fields) });

const person = (p, phone) => ({ firstName: p.first_name, lastName: p.last_name, phone, gender: genders[p.gender.toLowerCase()] });

function visit(event, p, phone) {
	const a = event.appointment;
	const lead = wins(event.stage) ? "Patient" : { lead: "Lead", patient: "Patient" };
	const more = event.type === "appointment.booked" ? { "Next Visit Service": a.type, "Next Visit Date": { time: a.start } }
		: a.status === "checked_out" ? { "Last Visit Date": { date: a.start.slice(0, 10) } } : {};
	const actions = [
		contact(p, phone, { ...person(p, phone), email: p.email }, { "PNOW ID": p.id, "PNOW Primary Employee": a.provider,
			"PNOW Location": a.facility, "Lead Status": lead, "Contact Type": lead, "Appointment Category": event.category,
			"PNOW Appt Status": shown[a.status], "PNOW Event Type": a.event_type, "PNOW Appt Reason": a.reason,
			"PNOW Appt Comments": a.comments, "PNOW Last Appt ID": a.id, ...more }),
		{ op: "note.add", body: lines("PatientNow appointment", [["Status", shown[a.status]], ["Event type", a.event_type],
			["Reason", a.reason], ["Category", event.category ?? `none (${a.type} is not in the sheet)`], ["Appointment ID", a.id]]) },
		{ op: "workflow.add", workflow: "PatientNow Appointments Update" },
	];
	if (event.stage)
		actions.push({ op: "opportunity.move", pipeline: named[event.pipeline], stage: event.stage,
			lead: wins(event.stage) ? "won" : "open", patient: "won" });
	return actions;
}

function bill(event, p, phone) {
	const b = event.bill, items = b.items.map((item) => item.name).join(", ");
	return [
		contact(p, phone, { dateOfBirth: p.dob }, { "Invoice Paid Amount": { money: b.total }, "PNOW Last Order ID": b.id,
			"PNOW DOB": { date: p.dob }, "PNOW Primary Employee": b.provider, "Last Visit Service": items }),
		{ op: "ltv.add", bill: b.id, amount: b.total },
		{ op: "note.add", body: lines("PatientNow bill", [["Order total", "$" + b.total], ["Items", items], ["Order ID", b.id]]) },
		{ op: "workflow.add", workflow: "PatientNow Order Paid" },
		{ op: "workflow.add", workflow: "PatientNow Birthday" },
		{ op: "opportunity.value", pipelines: ["Non-Surgical"] },
	];
}

function membership(event, p, phone) {
	const m = event.membership;
	return [
		contact(p, phone, {}, { "PNOW Membership ID": m.id, "PNOW Membership Program Name": m.program,
			"PNOW Membership Sold Date": { date: m.sold_date }, "PNOW Membership Amount": { money: m.amount } }),
		{ op: "tag.add", tags: ["Membership - " + m.program] },
		{ op: "workflow.add", workflow: "PatientNow Membership Update" },
	];
}

function map(event) {
	if (event.type === "contact.tagged") return [event];
	const p = event.patient, phone = e164(p.phone);
	if (!phone) event.warnings = ["patient.phone is no phone number: left out"];
	event.actions = event.appointment ? visit(event, p, phone) : event.bill ? bill(event, p, phone)
		: event.membership ? membership(event, p, phone)
		: event.type === "patient.updated"
			? [contact(p, phone, person(p, phone), { "PNOW ID": p.id, "PNOW Unsubscribed": String(p.unsubscribed) })]
			: [contact(p, phone, { ...person(p, phone), email: p.email, source: p.referral_source }, { "PNOW ID": p.id })];
	return [event];
}

const customFields = (fields) => fields.map(([name, value]) => ({ id: `{field:${name}}`,
	field_value: typeof value === "object" ? value.lead ?? value.money ?? value.date ?? value.time.slice(0, 10) : value }));

const operations = {
	"contact.upsert"(action) {
		const fields = Object.entries(action.fields), leads = fields.filter(([, value]) => value.lead);
		const requests = [{ method: "POST", path: "/contacts/upsert", body: { locationId: "ve9EPM428h8vShlRW1KT", ...action.set,
			...filled({ email: action.match.email, phone: action.match.phone }),
			customFields: customFields(fields.filter(([, value]) => !value.lead)) } }];
		if (leads.length) requests.push({ method: "PUT", path: "/contacts/{contact}", body: { customFields: customFields(leads) } });
		return requests;
	},
	"ltv.add": ({ amount }) => [{ method: "PUT", path: "/contacts/{contact}", body: { customFields: [
		{ id: "{field:Patient Lifetime Value}", field_value: `{Patient Lifetime Value + ${amount}}` }] } }],
	"note.add": ({ body }) => [{ method: "POST", path: "/contacts/{contact}/notes", body: { body } }],
	"tag.add": ({ tags }) => [{ method: "POST", path: "/contacts/{contact}/tags", body: { tags } }],
	"workflow.add": ({ workflow }) => [{ method: "POST", path: `/contacts/{contact}/workflow/{workflow:${workflow}}`, body: {} }],
	"opportunity.move": (action, { patient }) => [{ method: "POST", path: "/opportunities/", body: {
		pipelineId: `{pipeline:${action.pipeline}}`, locationId: "ve9EPM428h8vShlRW1KT",
		name: `${patient.first_name} ${patient.last_name}`, pipelineStageId: `{stage:${action.stage}}`, status: action.lead,
		contactId: "{contact}" } }],
	"opportunity.value": () => [{ method: "PUT", path: "/opportunities/{opportunity}", body: {
		monetaryValue: "{Patient Lifetime Value}" } }],
};

const push = (event) => (event.actions ?? []).flatMap((action) => operations[action.op](action, event)
	.map((request) => ({ id: event.id, ...request })));

const stages = process.argv.slice(3).map((name) => ({ categorize, map, push })[name]);
let out = [];
createInterface({ input: process.stdin, crlfDelay: Infinity }).on("line", (line) => {
	let records = [JSON.parse(line)];
	for (const stage of stages) records = records.flatMap(stage);
	for (const record of records) out.push(JSON.stringify(record));
	if (out.length > 1000) {
		process.stdout.write(out.join("\n") + "\n");
		out = [];
	}
}).on("close", () => {
	if (out.length) process.stdout.write(out.join("\n") + "\n");
});
