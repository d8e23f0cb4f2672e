"""Facts about domain names."""

# Generic top-level domains that links in comments have.
GENERIC = frozenset(
    """
    academy agency app art asia auction bar beer bet bid bike bio biz blog buzz cam camp cards care careers cash casino
    cat center chat cheap church city claims cleaning click clinic clothing cloud club coach codes coffee com community
    company computer coop coupons credit date dating deals degree delivery dental dev diet digital direct directory
    discount doctor dog domains download earth edu education email energy engineer enterprises equipment events exchange
    expert express fail faith family fans farm fashion film finance financial fish fit fitness flights florist football
    forsale foundation fun fund furniture fyi gallery game games gay gift gifts gives glass global gmbh gold golf gov
    graphics gratis group guide guru hair health healthcare help hiphop homes horse host hosting house icu info ink
    institute insure int international investments jewelry jobs juegos kim kitchen land law lawyer legal lgbt life link
    live loan loans lol love ltd luxury market marketing markets mba media men menu mil mobi moda moe mom money mortgage
    museum name net network news ngo ninja one onion online org page parts party pay pet pharmacy photo photos pics
    pictures pink pizza plumbing plus poker porn press pro productions promo properties pub racing radio realty recipes
    red rehab reisen rent rentals report republican rest restaurant review reviews rich rip rocks run sale salon school
    science select services sex sexy shoes shop shopping show singles site ski social software solar solutions space
    store stream studio style sucks supplies support surf surgery systems tattoo tax taxi team tech technology tel
    tennis theater tips tires today tools top tours town toys trade trading training travel tube university vegas
    ventures vet video villas vin vip vision vodka vote wang watch webcam website wedding wiki win wine work works world
    wtf xin xxx xyz yoga zone example test invalid
    """.split()  # noqa: SIM905 - so many are easier to read in a text
)
NATIONAL = frozenset(
    """
    ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc cd cf
    cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gd ge gf gg
    gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn
    kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na
    nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh
    si sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve
    vg vi vn vu wf ws ye yt za zm zw
    """.split()  # noqa: SIM905 - readable as text
)
# Top-level domains in other scripts.
INTERNATIONAL = frozenset(
    """
    \u0440\u0444 \u0440\u0443\u0441 \u043c\u043e\u0441\u043a\u0432\u0430 \u043e\u043d\u043b\u0430\u0439\u043d
    \u0441\u0430\u0439\u0442 \u043e\u0440\u0433 \u043a\u043e\u043c \u0434\u0435\u0442\u0438 \u0443\u043a\u0440
    \u0431\u0435\u043b \u0431\u0433 \u0441\u0440\u0431 \u043c\u043a\u0434 \u049b\u0430\u0437 \u03b5\u03bb \u03b5\u03c5
    \u4e2d\u56fd \u4e2d\u570b \u516c\u53f8 \u7f51\u7edc \u7f51\u7ad9 \u5728\u7ebf \u7f51\u5e97 \u9999\u6e2f \u53f0\u7063
    \u53f0\u6e7e \ud55c\uad6d \u30b3\u30e0 \u307f\u3093\u306a \u0e44\u0e17\u0e22 \u05d9\u05e9\u05e8\u05d0\u05dc
    \u092d\u093e\u0930\u0924 \u0645\u0648\u0642\u0639 \u0634\u0628\u0643\u0629 \u0645\u0635\u0631
    \u0627\u0644\u0633\u0639\u0648\u062f\u064a\u0629 \u0627\u0645\u0627\u0631\u0627\u062a \u0627\u06cc\u0631\u0627\u0646
    """.split()  # noqa: SIM905 - readable as text
)
# Endings that are words too. Behind a dot without a space they mostly begin the next sentence.
LIKE_WORDS = frozenset(
    """
    ad ai al am an as at be by do es et id ie il im in is it je la li ma me mo mu my na ne no om pa pm re sa se so st su
    ta to un va vi ye
    """.split()  # noqa: SIM905 - readable as text
)
# Under national domains: whatever somebody registers stands before these.
SECOND_LEVEL = frozenset(
    ("ac", "co", "com", "edu", "go", "gob", "gov", "gouv", "gv", "ltd", "ne", "net", "nom", "or", "org", "plc", "sch")
)
SHORTENERS = frozenset(
    """
    adf.ly amzn.to bit.do bit.ly bitly.com bl.ink buff.ly clck.ru cutt.ly dlvr.it fb.me git.io goo.gl goo.su gg.gg
    is.gd ity.im j.mp kutt.it lnkd.in lnk.to mcaf.ee ouo.io ow.ly po.st qr.ae rb.gy rebrand.ly s.id s2r.co shorte.st
    short.gy shorturl.at snip.ly surl.li t.co t.ly t2m.io tiny.cc tinyurl.com trib.al u.to urlz.fr v.gd vk.cc wp.me
    x.gd youtu.be
    """.split()  # noqa: SIM905 - readable as text
)
# Hosts on which many people have pages of their own: only with the path a link says whom it is for.
SHARED_HOSTS = SHORTENERS | frozenset(
    """
    amazon.com discord.com discord.gg docs.google.com drive.google.com dropbox.com ebay.com etsy.com facebook.com
    forms.gle github.com instagram.com line.me linkedin.com linktr.ee m.me medium.com onlyfans.com patreon.com
    paypal.me pinterest.com play.google.com reddit.com sites.google.com soundcloud.com spotify.com t.me telegram.me
    telegra.ph tiktok.com tumblr.com twitch.tv twitter.com vk.com wa.me web.telegram.org whatsapp.com x.com youtube.com
    """.split()  # noqa: SIM905 - readable as text
)
# Under these each subdomain is somebody's own.
SHARED_SUFFIXES = frozenset(
    """
    appspot.com azurewebsites.net blogspot.com cloudfront.net firebaseapp.com github.io gitlab.io glitch.me
    herokuapp.com livejournal.com myshopify.com netlify.app netlify.com ngrok.io pages.dev r2.dev replit.app
    s3.amazonaws.com surge.sh tumblr.com vercel.app web.app webflow.io weebly.com wixsite.com wordpress.com
    workers.dev
    """.split()  # noqa: SIM905 - readable as text
)
