// For client.sh: the CRM vendor's own client at work on pnow-sandbox, unmodified but for its base URL. Arguments: the sandbox's
// address; that of a second one, whose burst limit is small; where the first sends its webhooks; the file of its public key; the
// folder of the CRM's published description, or nothing.
// Writes a line for each promise: what it is, what was found, what was expected, with tabs between them.
'use strict';
const { readFileSync } = require('node:fs');
const { createServer } = require('node:http');
const { generateKeyPairSync } = require('node:crypto');
const { once } = require('node:events');
const { HighLevel } = require('@gohighlevel/api-client');
const { complaints } = require('./described');

const [sandbox, limited, receiver, keyFile, description] = process.argv.slice(2);
const publicKey = readFileSync(keyFile, 'utf8');
const locationId = 've9EPM428h8vShlRW1KT';
const companyId = 'sandboxCompany000000';
const clientId = 'sandbox-client', clientSecret = 'sandbox-client-secret';

const answers = []; // that were no errors, for the description

const text = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
const pick = (from, ...names) => names.map((name) => from[name]);

// One promise: what a call gives, or how it fails, is what was expected.
async function promise(what, wanted, call) {
	let found;
	try {
		found = await call();
	} catch (error) {
		found = `${error.constructor.name} ${error.statusCode}: ${error.message}`;
	}
	console.log([what, text(found), text(wanted)].join('\t'));
}

// The client, speaking to a sandbox. Its address is a static property of the class, read when one is made.
function client(address, config) {
	HighLevel.BASE_URL = `${address}/crm`;
	const ghl = new HighLevel({ logLevel: 'none', ...config });
	ghl.addResponseInterceptor({ onFulfilled: (answer) => {
		answers.push({ method: answer.config.method, path: answer.config.url, status: answer.status, body: answer.data });
		return answer;
	} });
	return ghl;
}

async function contacts(ghl) {
	const email = 'nora@example.com', phone = '+13035550177';
	const { customFields } = await ghl.locations.getCustomFields({ locationId });
	const field = customFields.find(({ name }) => name === 'PNOW ID').id;
	let contactId;
	await promise('contact: made', ['Nora', email], async () => {
		const { contact } = await ghl.contacts.createContact({ locationId, firstName: 'Nora', lastName: 'Quist', email, phone,
			gender: 'female', customFields: [{ id: field, field_value: '10777' }] });
		contactId = contact.id;
		return pick(contact, 'firstName', 'email');
	});
	await promise('contact: not made twice',
		'GHLValidationError 400: This location does not allow duplicated contacts.',
		() => ghl.contacts.createContact({ locationId, email }));
	await promise('contact: found by e-mail', contactId,
		async () => (await ghl.contacts.getDuplicateContact({ locationId, email })).contact.id);
	await promise('contact: found by phone', contactId,
		async () => (await ghl.contacts.getDuplicateContact({ locationId, number: phone })).contact.id);
	await promise('contact: an upsert finds it', [false, contactId, 'Denver'], async () => {
		const { new: made, contact } = await ghl.contacts.upsertContact({ locationId, email, city: 'Denver' });
		return [made, contact.id, contact.city];
	});
	await promise('contact: updated', [true, 'Quist-Lopez'], async () => {
		const { succeded, contact } = await ghl.contacts.updateContact({ contactId }, { lastName: 'Quist-Lopez' });
		return [succeded, contact.lastName];
	});
	await promise('contact: an update does not take a gender', 'GHLValidationError 422: property gender should not exist',
		() => ghl.contacts.updateContact({ contactId }, { gender: 'male' }));
	await promise('contact: read', ['Quist-Lopez', 'Denver', phone, [{ id: field, value: '10777' }]],
		async () => pick((await ghl.contacts.getContact({ contactId })).contact, 'lastName', 'city', 'phone', 'customFields'));
	return contactId;
}

async function tagsAndNotes(ghl, contactId) {
	await promise('tags: added', ['vip', 'spring'],
		async () => (await ghl.contacts.addTags({ contactId }, { tags: ['vip', 'spring'] })).tags);
	await promise('tags: removed', ['spring'], async () => (await ghl.contacts.removeTags({ contactId }, { tags: ['vip'] })).tags);
	await promise('tags: searched for', [1, contactId], async () => {
		const { total, contacts } = await ghl.contacts.searchContactsAdvanced({ locationId, pageLimit: 20,
			filters: [{ field: 'tags', operator: 'contains', value: 'spring' }] });
		return [total, contacts[0].id];
	});
	let id;
	await promise('note: written', ['Called back.', contactId], async () => {
		const { note } = await ghl.contacts.createNote({ contactId }, { body: 'Called back.' });
		id = note.id;
		return pick(note, 'body', 'contactId');
	});
	await promise('note: listed', [[id, 'Called back.']],
		async () => (await ghl.contacts.getAllNotes({ contactId })).notes.map((note) => pick(note, 'id', 'body')));
	await promise('note: deleted', [true, 0], async () => [(await ghl.contacts.deleteNote({ contactId, id })).succeded,
		(await ghl.contacts.getAllNotes({ contactId })).notes.length]);
}

async function workflows(ghl, contactId) {
	const { workflows: there } = await ghl.workflows.getWorkflow({ locationId });
	const workflowId = there.find(({ name }) => name === 'PatientNow Birthday').id;
	await promise('workflow: entered and left', [true, true], async () => [
		(await ghl.contacts.addContactToWorkflow({ contactId, workflowId }, {})).succeded,
		(await ghl.contacts.deleteContactFromWorkflow({ contactId, workflowId }, {})).succeded]);
}

async function opportunities(ghl, contactId) {
	const { pipelines } = await ghl.opportunities.getPipelines({ locationId });
	const { id: pipelineId, stages } = pipelines.find(({ name }) => name === 'Surgical');
	let id;
	await promise('opportunity: made', ['Nora', 'open', stages[0].id, contactId], async () => {
		const { opportunity } = await ghl.opportunities.createOpportunity({ pipelineId, locationId, contactId, name: 'Nora',
			status: 'open', pipelineStageId: stages[0].id });
		id = opportunity.id;
		return pick(opportunity, 'name', 'status', 'pipelineStageId', 'contactId');
	});
	await promise('opportunity: a status is one of four words',
		'GHLValidationError 422: status must be one of the following values: open, won, lost, abandoned',
		() => ghl.opportunities.updateOpportunity({ id }, { status: 'winning' }));
	await promise('opportunity: moved, with its value', [stages[1].id, 450.5], async () => pick(
		(await ghl.opportunities.updateOpportunity({ id }, { pipelineStageId: stages[1].id, monetaryValue: 450.5 })).opportunity,
		'pipelineStageId', 'monetaryValue'));
	await promise('opportunity: won', [true, 'won'], async () => [
		(await ghl.opportunities.updateOpportunityStatus({ id }, { status: 'won' })).succeded,
		(await ghl.opportunities.getOpportunity({ id })).opportunity.status]);
	await promise('opportunity: found by its contact', [1, [id]], async () => {
		const found = await ghl.opportunities.searchOpportunity({ locationId, contactId, pipelineId });
		return [found.meta.total, found.opportunities.map((one) => one.id)];
	});
	await promise('opportunity: deleted', true, async () => (await ghl.opportunities.deleteOpportunity({ id })).succeded);
}

async function calendar(ghl, contactId) {
	const { calendars } = await ghl.calendars.getCalendars({ locationId });
	const calendarId = calendars.find(({ name }) => name === 'PatientNow').id;
	const at = (hour) => `2027-12-01T${hour}:00:00-07:00`, ms = (hour) => String(Date.parse(at(hour)));
	const listed = async (what) => (await ghl.calendars[what]({ locationId, calendarId, startTime: ms('08'), endTime: ms('20') }))
		.events.map((one) => pick(one, 'title', 'startTime'));
	let eventId;
	await promise('calendar: an appointment is made', ['Botox', contactId, 'confirmed'], async () => {
		const made = await ghl.calendars.createAppointment({ locationId, calendarId, contactId, title: 'Botox', startTime: at('10'),
			endTime: at('11'), appointmentStatus: 'confirmed', toNotify: false, ignoreFreeSlotValidation: true });
		eventId = made.id;
		return pick(made, 'title', 'contactId', 'appointmentStatus');
	});
	await promise('calendar: moved, and its patient came', [at('12'), 'showed'], async () => pick(
		await ghl.calendars.editAppointment({ eventId }, { startTime: at('12'), endTime: at('13'), appointmentStatus: 'showed',
			toNotify: false }), 'startTime', 'appointmentStatus'));
	await promise('calendar: read, and listed', [eventId, [['Botox', at('12')]]], async () => [
		(await ghl.calendars.getAppointment({ eventId })).event.id, await listed('getCalendarEvents')]);
	let blockId;
	await promise('calendar: a block slot is made and moved', [['Laser', at('15')]], async () => {
		blockId = (await ghl.calendars.createBlockSlot({ locationId, calendarId, title: 'Laser', startTime: at('14'), endTime: at('15') })).id;
		await ghl.calendars.editBlockSlot({ eventId: blockId },
			{ locationId, calendarId, title: 'Laser', startTime: at('15'), endTime: at('16') });
		return listed('getBlockedSlots');
	});
	await promise('calendar: both are deleted', [true, true, [], []], async () => [
		(await ghl.calendars.deleteEvent({ eventId }, {})).succeeded, (await ghl.calendars.deleteEvent({ eventId: blockId }, {})).succeeded,
		await listed('getCalendarEvents'), await listed('getBlockedSlots')]);
}

async function location(ghl) {
	await promise('location: read', locationId, async () => (await ghl.locations.getLocation({ locationId })).location.id);
	await promise('custom field: made', ['Shoe Size', 'TEXT'], async () => pick((await ghl.locations.createCustomField({ locationId },
		{ name: 'Shoe Size', dataType: 'TEXT', model: 'contact' })).customField, 'name', 'dataType'));
}

async function oauth() {
	const ghl = client(sandbox, { clientId, clientSecret });
	const storage = ghl.getSessionStorage();
	const refresh = (token) => ghl.oauth.refreshToken(token, clientId, clientSecret, 'refresh_token', 'Location');
	const pipelines = async () => (await ghl.opportunities.getPipelines({ locationId })).pipelines.length;

	let tokens;
	await promise('OAuth: a refresh token gives tokens', ['Bearer', 'Location', locationId, companyId], async () => {
		tokens = await refresh('sandbox-crm-refresh');
		return pick(tokens, 'token_type', 'userType', 'locationId', 'companyId');
	});
	await promise('OAuth: a refresh token is good for once',
		'GHLValidationError 400: invalid_grant', () => refresh('sandbox-crm-refresh'));
	await storage.setSession(locationId, tokens);
	await promise('OAuth: with the access token the API answers', 2, pipelines);
	await fetch(`${sandbox}/_/revoke`, { method: 'POST', body: '{"what":"access"}' });
	await promise('OAuth: 401 for an access token that has ended, and the client gets and uses another', [2, true],
		async () => [await pipelines(), await storage.getAccessToken(locationId) !== tokens.access_token]);

	await storage.setSession(companyId, { access_token: 'sandbox-agency-token' });
	await promise("OAuth: the agency's token gives a location's", ['Location', locationId], async () => pick(
		await ghl.oauth.getLocationAccessToken({ companyId, locationId }), 'userType', 'locationId'));
	await promise("OAuth: not that of a location that is none of the agency's", 'GHLValidationError 400: Location not found',
		() => ghl.oauth.getLocationAccessToken({ companyId, locationId: 'nowhere' }));
}

async function limits() {
	const ghl = client(limited, { privateIntegrationToken: 'sandbox-crm-token' });
	await promise('limits: a 429 tells which limit it was', ['GHLRateLimitError', 'burst', 1000, 3, 0], async () => {
		try {
			for (let i = 0; i < 100; i++)
				await ghl.locations.getLocation({ locationId });
		} catch (error) {
			return [error.constructor.name, ...pick(error.rateLimit, 'scope', 'intervalMs', 'max', 'remaining')];
		}
	});
	const patient = client(limited, { privateIntegrationToken: 'sandbox-crm-token', rateLimitRetry: true });
	await promise('limits: the client that waits as it is told gets all its answers', 3, async () => {
		let answers = 0;
		for (; answers < 3; answers++)
			await patient.locations.getLocation({ locationId });
		return answers;
	});
}

// What the sandbox sends, as it came: headers and bytes.
async function listen() {
	const received = [];
	const server = createServer((request, response) => {
		const parts = [];
		request.on('data', (part) => parts.push(part)).on('end', () => {
			received.push({ method: request.method, url: request.url, headers: request.headers, rawBody: Buffer.concat(parts) });
			response.end();
			server.emit('webhook');
		});
	});
	server.listen(new URL(receiver).port, '127.0.0.1');
	await once(server, 'listening');
	return { server, received };
}

async function webhooks({ server, received }) {
	const types = () => received.map(({ rawBody }) => JSON.parse(rawBody).type);
	while (!types().includes('ContactDelete'))
		await once(server, 'webhook');
	const wanted = ['ContactCreate', 'ContactUpdate', 'ContactTagUpdate', 'OpportunityCreate', 'OpportunityStageUpdate',
		'OpportunityStatusUpdate', 'OpportunityMonetaryValueUpdate', 'OpportunityDelete', 'ContactDelete'];
	await promise('webhooks: one of each kind came', [], () => wanted.filter((type) => !types().includes(type)));

	const ghl = client(sandbox, { clientId, clientSecret, webhookPublicKey: publicKey });
	const judge = ghl.webhooks.constructor.prototype.verifyEd25519Signature.bind(ghl.webhooks);
	const signature = ({ headers }) => headers['x-ghl-signature'];
	await promise('webhooks: all are signed', received.length,
		() => received.filter((one) => judge(one.rawBody, signature(one), publicKey)).length);
	await promise('webhooks: none is with another byte', 0,
		() => received.filter((one) => judge(Buffer.concat([one.rawBody, Buffer.from(' ')]), signature(one), publicKey)).length);
	const other = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' });
	await promise('webhooks: none is by another key', 0,
		() => received.filter((one) => judge(one.rawBody, signature(one), other)).length);

	// An app that is installed: the client believes the webhook by its signature, and gets the location's token.
	const storage = ghl.getSessionStorage();
	await storage.setSession(companyId, { access_token: 'sandbox-agency-token' });
	await fetch(`${sandbox}/_/webhook`, { method: 'POST', body: JSON.stringify({ to: 'crm',
		body: { type: 'INSTALL', appId: clientId.split('-')[0], companyId, locationId } }) });
	const install = received.at(-1);
	const subscribed = async (request) => {
		const failure = await new Promise((next) => ghl.webhooks.subscribe()(request, null, next));
		if (failure || request.installTokenError)
			throw failure ?? request.installTokenError;
		return [request.isSignatureValid, await storage.getAccessToken(locationId) !== null];
	};
	const forged = { ...install, body: install.rawBody.toString(), headers: { 'x-ghl-signature': signature(received[0]) } };
	await promise("webhooks: another's signature opens nothing", [false, false], () => subscribed(forged));
	await promise('webhooks: INSTALL is believed, and fetches a token', [true, true],
		() => subscribed({ ...install, body: install.rawBody.toString() }));
}

async function main() {
	const hooks = await listen();
	const ghl = client(sandbox, { privateIntegrationToken: 'sandbox-crm-token' });
	const contactId = await contacts(ghl);
	await tagsAndNotes(ghl, contactId);
	await workflows(ghl, contactId);
	await opportunities(ghl, contactId);
	await calendar(ghl, contactId);
	await location(ghl);
	await promise('contact: deleted', true, async () => (await ghl.contacts.deleteContact({ contactId })).succeded);
	await promise('contact: and gone', `GHLValidationError 400: Contact with id ${contactId} not found`,
		() => ghl.contacts.getContact({ contactId }));
	await promise('a wrong token', 'GHLAuthenticationError 401: Invalid JWT',
		() => client(sandbox, { privateIntegrationToken: 'wrong' }).locations.getLocation({ locationId }));
	await oauth();
	await limits();
	await webhooks(hooks);
	hooks.server.close();
	hooks.server.closeAllConnections();
	if (description)
		await promise("the sandbox's answers are what the description says", [],
			() => [...new Set(complaints(description, answers))]);
}

main();
