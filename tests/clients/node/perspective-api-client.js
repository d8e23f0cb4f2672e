// npm's perspective-api-client: its address is fixed, so axios, which it calls, is told another host.
'use strict';
const {createRequire} = require('module');
const Perspective = require('perspective-api-client');
// The one that the client itself finds.
const axios = createRequire(require.resolve('perspective-api-client'))('axios');

const [url, key] = process.argv.slice(2);
const RUDE = 'You are a stupid idiot and nobody wants you here.';

axios.interceptors.request.use(config => {
  config.url = config.url.replace('https://commentanalyzer.googleapis.com', url);
  return config;
});

const refused = promise => promise.then(
  () => ({}),
  error => ({name: error.name, message: error.message, status: error.response && error.response.status})
);

(async () => {
  const client = new Perspective({apiKey: key});
  const found = {
    analyze: await client.analyze(`<p>${RUDE}</p>`, {attributes: ['toxicity', 'insult']}),
    whole: await client.analyze({comment: {text: RUDE}, languages: ['en'], clientToken: 't-1'}),
    // 20480 characters pass the client's own check, and are too many bytes.
    long: await refused(client.analyze('é'.repeat(20480))),
    unknown: await refused(client.analyze(RUDE, {attributes: ['taste']})),
    wrongKey: await refused(new Perspective({apiKey: 'wrong'}).analyze(RUDE)),
  };
  console.log(JSON.stringify(found));
})();
