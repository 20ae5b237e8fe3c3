// Whether answers are what the CRM's published API description says. It is read from a folder, as it is published.
'use strict';
const { readFileSync } = require('node:fs');
const Ajv = require('ajv');

const read = (folder, file) => JSON.parse(readFileSync(`${folder}/${file}.json`, 'utf8'));
const escaped = (part) => part.replace(/~/g, '~0').replace(/\//g, '~1').replace(/[{}]/g, encodeURIComponent);

// The description says that a pipeline's stages are lists, which the client's own types do not; and of the page before the first,
// and of that after the last, nothing. Times of a calendar's entries are objects there, as JavaScript has them before they are sent.
const doubtful = /\/(stages\/\d+|meta\/nextPage|meta\/prevPage|startTime|endTime|dateAdded|dateUpdated)$/;

// complaints(FOLDER, ANSWERS): a text for each thing that is wrong in the answers {method, path, status, body}, or in that the
// description does not know them.
exports.complaints = (folder, answers) => {
	const judge = new Ajv({ strict: false, validateFormats: false, allErrors: true });
	judge.addSchema(read(folder, 'common/common-schemas'), 'crm/common/common-schemas.json');
	const apps = {};
	return answers.flatMap(({ method, path, status, body }) => {
		const app = path.split('/')[1], uri = `crm/apps/${app}.json`;
		if (!apps[app])
			judge.addSchema(apps[app] = read(folder, `apps/${app}`), uri);
		const fits = (template) => RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`).test(path);
		const template = apps[app].paths[path] ? path : Object.keys(apps[app].paths).find(fits);
		const described = apps[app].paths[template]?.[method]?.responses[status];
		if (!described?.content) // of some answers it tells no more than that they come
			return described ? [] : [`${method} ${path}: ${status} is not described`];
		const valid = judge.compile({ $ref: `${uri}#/paths/${escaped(template)}/${method}/responses/${status}/content/`
			+ 'application~1json/schema' });
		return valid(body) ? [] : valid.errors.filter(({ instancePath }) => !doubtful.test(instancePath))
			.map(({ instancePath, message }) => `${method} ${path}: ${instancePath} ${message}`);
	});
};
