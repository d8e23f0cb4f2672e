"""Kinds of evidence that a text is spam, so that a single word is never enough to reject a comment.

A topic (pills, loans, ...), an appeal to the reader (subscribe, promo code), a link, contact details, and an unusual
shape count as one kind each. They are searched in the normalized text of the fast reader; every expression is a plain
alternation, so the time is linear in the text.
"""

import re
import unicodedata
from typing import Final

from classifier.normalize import read

# A score from CERTAIN on is sufficient evidence by itself, in a comment of at least FEWEST_WORDS words.
CERTAIN, FEWEST_WORDS = 0.999, 8
ENOUGH = 2

# Words and phrases, one or more on a line, with | between them.
_WORDS: Final = {
    "promotion": """
        subscribe to my | sub to my | sub me | sub4sub | follow me | follow my | follow us | check out my
        check my | visit my | visit our | my channel | my profile | my website | my page | link in bio
        promo code | use code | discount code | coupon | % off | limited offer | order now | buy now
        click here | sign up now | join now | join our | register now | claim your | claim now | apply now
        like for like | shoutout | free trial | giveaway | gift card | dm me | inbox me | hit me up
        message me | text me | contact me | contact him | contact her | contact them | reach out to
        abonniere | abonnier meinen | folgt mir | jetzt bestellen | hier klicken | rabattcode | s'abonner
        abonnez-vous | cliquez ici | suscribete | siganme | haz clic | inscreva-se no meu | clique aqui
        \u043f\u043e\u0434\u043f\u0438\u0448\u0438\u0441\u044c
        \u043f\u0438\u0448\u0438\u0442\u0435 \u0432 \u043b\u0441
    """,
    "pharma": """
        viagra | cialis | levitra | xanax | tramadol | phentermine | ozempic | modafinil | adderall | ambien
        pharmacy | no prescription | without prescription | weight loss | lose weight | keto
        male enhancement | enlarge | erectile | testosterone | cbd oil | herbal medicine | supplement
        miracle cure
    """,
    "loans": """
        loan | loans | bad credit | credit check | credit score | payday | lender | lenders | refinance
        unsecured | instant approval | grant money | kredit ohne | prestamo | emprestimo
        \u043a\u0440\u0435\u0434\u0438\u0442
    """,
    "adult": """
        porn | xxx | escort | escorts | hookup | hot girls | hot singles | sexy girls | live cam | webcam
        nudes | onlyfans | sugar daddy | sugar baby | adult video | adult videos | milf | milfs
        dating site | meet women | meet girls
    """,
    "crypto": """
        bitcoin | btc | ethereum | crypto | cryptocurrency | forex | binary options | trading signals
        trader | trading | invest | invested | investing | investment | airdrop | usdt | nft | nfts
        presale | passive income | profit | profits | account manager | broker
    """,
    "recovery": """
        hacker | hackers | recover my | recovered my | recovery expert | recover your | stolen funds
        lost funds | get back my | got my money back | spell caster | love spell | spells | cheating spouse
        clone phone | cloned his phone | ethical hacking
    """,
    "gambling": """
        casino | casinos | slot | slots | poker | roulette | baccarat | jackpot | free spins | betting
        bet now | sportsbook | bonus | fixed matches | sure odds | gacor | maxwin | togel | judi
    """,
    "traffic": """
        seo | backlink | backlinks | guest post | dofollow | page rank | first page of google
        website traffic | domain authority | web design | digital marketing | real followers | buy followers
        cheap followers | rank your | marketing team | your blog | your weblog | your website
    """,
    "jobs": """
        work from home | working from home | earn money | make money | earn up to | extra income
        part-time job | part time job | online job | per day | an hour on | a week from | weekly salary
        financially free | financial freedom | no experience needed | quit my job | fire your boss
    """,
    "goods": """
        replica | replicas | cracked | crack version | full version free | download free | free download
        full movie | watch online | live stream free | iptv | essay | essays | assignment help | fake id
        fake ids | counterfeit | clone cards | free robux | v-bucks | cheap price | best price | wholesale
    """,
    "phishing": """
        account has been suspended | account is suspended | verify your | confirm your
        you have been selected | you have won | you won | won a free | congratulations you
        claim your prize | parcel | unclaimed
    """,
}


def _any_of(words: str) -> "re.Pattern[str]":
    phrases = [phrase for line in words.splitlines() for each in line.split("|") if (phrase := each.strip())]
    alphanumeric = "|".join(re.escape(each) for each in phrases if each[0].isalnum())
    # "% off" follows a number. One lookbehind for all words: one for each would be tried at every character.
    signs = "".join(f"|{re.escape(each)}" for each in phrases if not each[0].isalnum())
    return re.compile(rf"(?:(?<![a-z0-9])(?:{alphanumeric}){signs})(?![a-z0-9])")


_EXPRESSIONS = {name: _any_of(words) for name, words in _WORDS.items()}
_ENDINGS = "com|net|org|info|biz|ru|top|xyz|club|online|site|shop|store|win|bet|icu|cc|tk|example"
_LINK = re.compile(
    rf"https?://|www[.(]|(?<![a-z0-9@])[a-z0-9-]{{2,40}}\.(?:{_ENDINGS})(?![a-z0-9])|"
    r"(?<![a-z])(?:t\.me|bit\.ly|wa\.me|goo\.gl|tinyurl|linktr\.ee)/|[({]dot[)}]| dot com(?![a-z])"
)
_CONTACT = re.compile(
    r"whatsapp|telegram|(?<![a-z])(?:gmail|e-?mail|snapchat|instagram|insta|hangouts)(?![a-z])|(?<![\w.])@[a-z0-9_]{3,30}|"
    r"[a-z0-9._-]{2,40}@[a-z0-9-]{2,40}\.|\+\d[\d ()-]{7,20}"
)
_LOUD = re.compile(r"!{3,}|\${2,}|>{2,}|(?<!=)={3,}>|\u25ba|\u27a1|\u261e")
_FEWEST_LOUD = 2
# The least number of letters, and the share of capitals that is unusual.
_FEWEST_LETTERS, _MOST_CAPITALS = 12, 0.6
_FEWEST_STYLED = 4
_FEWEST_EMOJI = 5


def evidence(text: str) -> frozenset[str]:
    """The kinds of evidence in the text. Accepts any str."""
    folded = " ".join(read(text).split())
    found = {name for name, words in _EXPRESSIONS.items() if words.search(folded)}
    if _LINK.search(folded):
        found.add("link")
    if _CONTACT.search(folded):
        found.add("contact")
    if _has_odd_shape(text):
        found.add("shape")
    return frozenset(found)


def is_evident(text: str, score: float) -> bool:
    """Whether a text that is taken for spam, with this score, may be thrown away unseen."""
    if score >= CERTAIN and len(text.split()) >= FEWEST_WORDS:
        return True
    return len(evidence(text)) >= ENOUGH


def _has_odd_shape(text: str) -> bool:
    letters = [each for each in text if each.isalpha()]
    capitals = sum(each.isupper() for each in letters)
    if len(letters) >= _FEWEST_LETTERS and capitals > _MOST_CAPITALS * len(letters):
        return True
    # Letters of mathematics and the like, which stand for plain ones.
    styled = sum(each > "\u2100" and unicodedata.normalize("NFKC", each).isascii() for each in letters)
    emoji = sum(unicodedata.category(each) == "So" for each in text)
    return styled >= _FEWEST_STYLED or emoji >= _FEWEST_EMOJI or len(_LOUD.findall(text)) >= _FEWEST_LOUD
