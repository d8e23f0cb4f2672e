// Loads integrations/coop as Coop loads a plugin, and runs its signals on what stands on the command line.
import plugin from '../../integrations/coop/index.js';

const [url, apiKey, ...texts] = process.argv.slice(2);
const organizations = { here: { url, apiKey }, nobody: undefined, wrong: { url, apiKey: 'cmk_live_wrong' } };
const context = { integrationId: plugin.manifest.id, getCredential: async (orgId) => organizations[orgId] };
const signals = plugin.createSignals(context);
const toxicity = signals.find((each) => each.signalTypeId === 'STEWARD_TOXICITY').signal;
const run = (orgId, value) =>
  toxicity.run({ orgId, value: { type: 'STRING', value } }).catch((error) => ({ error: error.message }));

console.log(JSON.stringify({
  manifest: plugin.manifest,
  signals: signals.map(({ signalTypeId, signal }) => ({ signalTypeId, fields: Object.keys(signal), id: signal.id.type })),
  here: await Promise.all(texts.map((text) => run('here', text))),
  nobody: await run('nobody', texts[0]),
  wrong: await run('wrong', texts[0]),
  disabled: [await toxicity.getDisabledInfo('here'), await toxicity.getDisabledInfo('nobody')],
}));
