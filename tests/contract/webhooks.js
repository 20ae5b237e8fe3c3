// For webhooks.sh: webhooks that others' libraries sign, sent to pnow-hook, which must think of each what the library thinks
// that signed it. Arguments: the hook's address; the secret, whsec_ and base64; the raw secret; the file of an Ed25519 key.
// Writes a line for each promise: what it is, what the hook and the library said, what was expected, with tabs between them.
'use strict';
const { createPrivateKey, createPublicKey, generateKeyPairSync, sign } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { HighLevel } = require('@gohighlevel/api-client');
const standardwebhooks = require('standardwebhooks');
const svix = require('svix');

const [hook, secret, rawSecret, keyFile] = process.argv.slice(2);
const minute = 60_000;
let number = 0;

// judged PROMISE WANTED REQUEST: the hook is sent the request; 200 and true, or 401 and false, is what is WANTED.
async function judged(promise, wanted, { path, headers, body, believes }) {
	const { status } = await fetch(`${hook}/hook/${path}`, { method: 'POST', body,
		headers: { 'Content-Type': 'application/json', ...headers } });
	console.log([promise, `${status} ${believes()}`, wanted ? '200 true' : '401 false'].join('\t'));
}

function patient() {
	return JSON.stringify({ event: 'PatientCreated', eventId: `e${++number}`, data: { patientId: '1', lastName: 'Núñez ✓ "x"' } });
}

// All that can happen to a webhook on its way, for one of the libraries. NAMES is what its headers' names begin with.
async function standard(name, path, names, { Webhook }, key, options) {
	const signer = new Webhook(key, options);
	const genuine = (at = Date.now()) => {
		const id = `msg_${name}_${number}`, body = patient(), when = new Date(at);
		return { path, body, headers: { [`${names}id`]: id, [`${names}timestamp`]: String(Math.floor(at / 1000)),
			[`${names}signature`]: signer.sign(id, when, body) } };
	};
	const ask = (promise, wanted, request) => judged(`${name}: ${promise}`, wanted, { ...request, believes: () => {
		try {
			signer.verify(request.body, request.headers);
			return true;
		} catch {
			return false;
		}
	} });
	const changed = (header, change) => {
		const request = genuine();
		request.headers[names + header] = change(request.headers[names + header]);
		return request;
	};
	const without = (header) => {
		const request = genuine();
		delete request.headers[names + header];
		return request;
	};

	await ask('as it was signed', true, genuine());
	await ask('four minutes old', true, genuine(Date.now() - 4 * minute));
	await ask('four minutes ahead', true, genuine(Date.now() + 4 * minute));
	await ask('the right signature among others', true, changed('signature', (right) => `v1,AAAA v2,AAAA ${right} v1a,AAAA`));
	await ask('another body', false, { ...genuine(), body: patient() });
	await ask('six minutes old', false, genuine(Date.now() - 6 * minute));
	await ask('six minutes ahead', false, genuine(Date.now() + 6 * minute));
	await ask('another time', false, changed('timestamp', (seconds) => String(seconds - 1)));
	await ask('another id', false, changed('id', (id) => `${id}x`));
	await ask('another version', false, changed('signature', (right) => right.replace('v1,', 'v2,')));
	await ask('a signature cut short', false, changed('signature', (right) => right.slice(0, -5)));
	await ask('an empty signature', false, changed('signature', () => ''));
	await ask('a time that is no number', false, changed('timestamp', () => 'now'));
	for (const header of ['id', 'timestamp', 'signature'])
		await ask(`no ${names}${header}`, false, without(header));
	const request = genuine(), other = new Webhook('another secret than this', { format: 'raw' });
	request.headers[`${names}signature`] = other.sign(request.headers[`${names}id`], new Date(), request.body);
	await ask('with another secret', false, request);
}

// The CRM's way. The vendor's client does not sign; it only believes or not. Where the header is missing it lets the webhook
// pass, and says so; that is not taken over.
async function ed25519() {
	const key = createPrivateKey(readFileSync(keyFile)), other = generateKeyPairSync('ed25519').privateKey;
	const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' });
	const vendor = new HighLevel({ privateIntegrationToken: 'none', logLevel: 'none' }).webhooks;
	const ask = (promise, wanted, signed, body, by) => {
		const signature = sign(null, Buffer.from(signed), by).toString('base64');
		return judged(`Ed25519: ${promise}`, wanted, { path: 'judged/crm', body, headers: { 'X-GHL-Signature': signature },
			believes: () => vendor.verifyEd25519Signature(body, signature, publicKey) });
	};
	const body = JSON.stringify({ type: 'ContactTagUpdate', webhookId: 'w1', id: 'c1', locationId: 've9EPM428h8vShlRW1KT',
		timestamp: new Date().toISOString(), tags: ['été'] });
	await ask('as it was signed', true, body, body, key);
	await ask('another body', false, body, `${body} `, key);
	await ask('with another key', false, body, body, other);
	await judged('Ed25519: no header', false, { path: 'judged/crm', body, headers: {}, believes: () => false });
}

async function main() {
	await standard('standardwebhooks', 'judged/patientnow', 'webhook-', standardwebhooks, secret);
	await standard('standardwebhooks, raw', 'raw/patientnow', 'webhook-', standardwebhooks, rawSecret, { format: 'raw' });
	await standard('svix', 'judged/patientnow', 'webhook-', svix, secret);
	await standard('svix by its own headers', 'svix/patientnow', 'svix-', svix, secret);
	await ed25519();
}

main();
