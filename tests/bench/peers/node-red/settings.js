// Node-RED as it comes, without its editor; what the flow knows of the CRM is in a file, since it stores nothing itself.
module.exports = {
	uiHost: "127.0.0.1",
	uiPort: process.env.PORT,
	disableEditor: true,
	httpAdminRoot: false,
	flowFile: "flow.json",
	functionGlobalContext: {crm: JSON.parse(require("fs").readFileSync("crm.json"))},
	logging: {console: {level: "info", metrics: false, audit: false}},
};
