// An integration for Coop: one signal for each attribute that Steward scores, in [0, 1].

const ID = 'STEWARD';
const TIMEOUT_MS = 5000; // as Coop's own signals
const ATTRIBUTES = {
  toxicity: 'Toxicity',
  severe_toxicity: 'Severe toxicity',
  identity_attack: 'Identity attack',
  insult: 'Insult',
  profanity: 'Profanity',
  threat: 'Threat',
  spam: 'Spam',
};
const CARD = 'The model card comes with Steward: docs/model-card.md has its data, figures and limits.';
const SECTIONS = {
  trainingData: 'Training data',
  policyAndTaxonomy: 'Policy and taxonomy',
  annotationMethodology: 'Annotation methodology',
  performanceBenchmarks: 'Performance and benchmarks',
  biasAndLimitations: 'Bias and limitations',
  implementationGuidance: 'Implementation guidance',
  relevantLinks: 'Relevant links',
};

const typeOf = (attribute) => `STEWARD_${attribute.toUpperCase()}`;

export const manifest = {
  id: ID,
  name: 'Steward',
  version: '0.1.0',
  description: 'Scores of a comment moderation service that you run yourself.',
  docsUrl: 'https://roostorg.github.io/coop/INTEGRATIONS_PLUGIN.html',
  requiresConfig: true,
  configurationFields: [
    {
      key: 'url',
      label: 'Address of Steward',
      required: true,
      inputType: 'text',
      placeholder: 'https://steward.example',
      description: 'Without a path.',
    },
    {
      key: 'apiKey',
      label: 'Key',
      required: true,
      inputType: 'password',
      placeholder: 'cmk_live_…',
      description: 'A key with the scope score.',
    },
  ],
  signalTypeIds: Object.keys(ATTRIBUTES).map(typeOf),
  modelCard: {
    modelName: 'The model that your Steward uses',
    version: 'see Steward',
    releaseDate: 'see Steward',
    sections: Object.entries(SECTIONS).map(([id, title]) => ({ id, title, fields: [{ label: title, value: CARD }] })),
  },
};

const isSet = (config) => ['url', 'apiKey'].every((name) => String(config?.[name] ?? '').trim() !== '');

async function scoresOf(text, config) {
  const answer = await fetch(`${config.url.trim().replace(/\/+$/, '')}/v1/score`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${config.apiKey.trim()}` },
    body: JSON.stringify({ text }),
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(`Steward answers ${answer.status}: ${said.detail ?? ''}`);
  return said.results[0];
}

// A signal fails rather than call a text harmless that was not judged.
async function score(attribute, input, getCredential) {
  const config = await getCredential(input.orgId);
  if (!isSet(config)) throw new Error('Steward: enter its address and a key in the settings of the organization');
  const judged = await scoresOf(input.value.value, config);
  const found = judged.scores?.[attribute];
  if (found === undefined) throw new Error(`Steward does not judge ${attribute} in this text (language: ${judged.language})`);
  return found;
}

function signal(attribute, { integrationId, getCredential }) {
  const outputType = { scalarType: 'NUMBER' };
  return {
    id: { type: typeOf(attribute) },
    displayName: `Steward: ${ATTRIBUTES[attribute]}`,
    description: `How likely people call the text ${ATTRIBUTES[attribute].toLowerCase()}: a probability in [0, 1].`,
    docsUrl: null,
    recommendedThresholds: { highPrecisionThreshold: 0.9, highRecallThreshold: 0.5 },
    supportedLanguages: 'ALL', // Steward detects the language, and refuses to guess in one that it does not judge
    pricingStructure: { type: 'FREE' },
    eligibleInputs: ['STRING'],
    outputType,
    getCost: () => 1,
    needsMatchingValues: false,
    eligibleSubcategories: [],
    needsActionPenalties: false,
    integration: integrationId,
    allowedInAutomatedRules: true,
    run: async (input) => ({ outputType, score: await score(attribute, input, getCredential) }),
    getDisabledInfo: async (orgId) =>
      isSet(await getCredential(orgId))
        ? { disabled: false }
        : { disabled: true, disabledMessage: 'Enter the address of Steward and a key in the settings of the organization.' },
  };
}

export const createSignals = (context) =>
  Object.keys(ATTRIBUTES).map((attribute) => ({ signalTypeId: typeOf(attribute), signal: signal(attribute, context) }));

export default { manifest, createSignals };
