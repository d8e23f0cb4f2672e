// A caller that the TypeScript compiler reads by the package's own types. It is never run.
import { Refused, Steward, verify, type Comment, type Judged, type Problem } from '@comment-steward/client'
import { nudge } from '@comment-steward/client/nudge'

const steward = new Steward('https://a.example', 'k', { retry: { tries: 2 } })
const comment: Comment = { text: 'a', author: { id: 'u' }, sender: { ip: '192.0.2.7' } }
const judged: Judged = await steward.submit(comment)
const many: (Judged | Problem)[] = await steward.submitMany([comment])
const insult: number | undefined = (await steward.score('a')).scores['insult']
const event = await verify('whsec_', new Headers(), '{}')
try {
  await steward.follow(judged.id, { waitS: 5 })
} catch (error) {
  if (error instanceof Refused) console.log(error.problem.detail, many, insult, event.version)
}
nudge(document.querySelector('textarea')!, { url: 'https://a.example', key: 'k', threshold: { insult: 0.9 } }).stop()
// @ts-expect-error the text is missing
await steward.submit({ id: 'c-1' })
// @ts-expect-error there is no such option
new Steward('https://a.example', 'k', { tries: 2 })
