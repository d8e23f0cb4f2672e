// npm's @conversationai/perspectiveapi-js-client: its address is an attribute, which is set to another host.
'use strict';
const {Client} = require('@conversationai/perspectiveapi-js-client');

const [url, key] = process.argv.slice(2);
const RUDE = 'You are a stupid idiot and nobody wants you here.';

const reaching = client => {
  client.perspectiveApiUrl = client.perspectiveApiUrl.replace('https://commentanalyzer.googleapis.com', url);
  return client;
};

(async () => {
  const client = reaching(new Client(key));
  const found = {
    usual: await client.getScores(RUDE),
    chosen: await client.getScores(`<b>${RUDE}</b>`, {
      attributes: ['LIKELY_TO_REJECT', 'OBSCENE'],
      context: {entries: [{text: 'earlier'}]},
      doNotStore: false,
    }),
    wrongKey: await reaching(new Client('wrong')).getScores(RUDE).catch(error => String(error)),
  };
  console.log(JSON.stringify(found));
})();
