export interface Author {
  /** Of your own, such as a user's id. Steward stores a keyed hash of it. */
  id?: string;
  name?: string;
  created_at?: string;
  trusted?: boolean;
}

export interface Article {
  id?: string;
  url?: string;
  title?: string;
  section?: string;
  published_at?: string;
}

/** The comment that is answered. */
export interface Parent {
  id?: string;
  text?: string;
}

/** Rules use it for the decision. Steward stores neither; a rule may count the network of `ip` under a keyed hash. */
export interface Sender {
  email?: string;
  ip?: string;
}

/** A reader's comment. The same comment sent twice under one id is recorded once. */
export interface Comment {
  text: string;
  id?: string;
  author?: Author;
  article?: Article;
  parent?: Parent;
  sender?: Sender;
  created_at?: string;
  /** A BCP 47 tag, only if you know it. */
  language?: string;
  /** Where to send webhooks about this comment. */
  callback_url?: string;
  metadata?: Record<string, unknown>;
}

/** A part of the text that raised a score, in Unicode code points (not UTF-16 units) from `start` up to `end`. */
export interface Span {
  start: number;
  end: number;
  attribute: string;
  weight: number;
}

export interface Reason {
  code: string;
  attribute?: string;
  score?: number;
  rule?: string;
  language?: string;
}

export interface Scored {
  /** Probabilities by attribute; empty if the model does not judge the language. */
  scores: Record<string, number>;
  language: string;
  language_support: "measured" | "transferred" | "none";
  spans?: Span[];
}

/** A comment and its state. Treat a status that you do not know as pending. A higher `version` is a newer state. */
export interface Judged {
  id: string;
  site: string;
  status: "approved" | "pending" | "rejected" | (string & {});
  decision: "approve" | "review" | "reject";
  decided_by: string;
  version: number;
  revision: number;
  scores: Record<string, number> | null;
  reasons: Reason[] | null;
  spans: Span[] | null;
  language: string | null;
  model: string | null;
  policy: string | null;
}

/** An error (RFC 9457). `code` is stable. */
export interface Problem {
  status?: number;
  code?: string;
  detail?: string;
  instance?: string;
  errors?: { pointer: string; detail: string }[];
}

/** Store the highest `version` of each comment, and ignore events that are not higher. */
export interface StewardEvent {
  type: string;
  comment_id?: string;
  version: number;
  status: string;
  decided_by?: string;
  decision?: string;
  reason?: string;
  [more: string]: unknown;
}

export interface Options {
  /** Of each try. */
  timeoutMs?: number;
  /** `tries`: all of them, the first included. Pauses are drawn from zero to a bound that doubles. */
  retry?: { tries?: number; firstMs?: number; longestMs?: number };
  fetch?: typeof fetch;
  sleep?: (ms: number) => Promise<void>;
}

export class StewardError extends Error {}
export class Unreachable extends StewardError {}
export class BadSignature extends StewardError {}
export class Refused extends StewardError {
  readonly status: number;
  readonly code: string;
  readonly problem: Problem;
  constructor(status: number, problem: Problem);
}

/** Each call may be repeated, and raises Refused, or Unreachable after the last try. */
export class Steward {
  constructor(url: string, key: string, options?: Options);
  /** Score a text and record nothing. Needs the scope `score`. */
  score(text: string, options?: { spans?: boolean; language?: string; attributes?: string[] }): Promise<Scored>;
  scoreMany(texts: string[], options?: { language?: string; attributes?: string[] }): Promise<Scored[]>;
  /** Score, decide and record a comment. Needs the scope `comments`, as all that follows. */
  submit(comment: Comment): Promise<Judged>;
  /** At most 1,000; one that cannot be taken spoils no others. */
  submitMany(comments: Comment[]): Promise<(Judged | Problem)[]>;
  /** Where a comment stands; with `waitS` (at most 60), as soon as that is final. */
  follow(id: string, options?: { waitS?: number }): Promise<Judged>;
  /** A reader's flag. Each reader counts once. */
  report(id: string, reader: string, reason?: string): Promise<Judged>;
  /** The author asks for another look. */
  appeal(id: string, reason?: string): Promise<Judged>;
  /** Erase text, author and metadata of a comment. */
  erase(id: string): Promise<void>;
  /** Tell what your own moderators decided. `token` names the comment, so that a later decision replaces it. */
  teach(text: string, decision: { reject: boolean; spam?: boolean; token: string }): Promise<void>;
  /** Changes, for sites that cannot receive webhooks. Keep `next`, and go on there. */
  events(options?: { after?: string | null; limit?: number }): Promise<{ events: StewardEvent[]; next: string | null }>;
  /** After a loss of Redis: those of your comments, by id with the last revision, that must be submitted again. */
  reconcile(known: Record<string, number>): Promise<string[]>;
}

/** The event of a webhook. `body`: as received, before parsing. Throws BadSignature. */
export function verify(
  secret: string | string[],
  headers: Headers | Record<string, string | undefined>,
  body: string | ArrayBuffer | Uint8Array,
  options?: { toleranceS?: number; nowS?: number },
): Promise<StewardEvent>;
