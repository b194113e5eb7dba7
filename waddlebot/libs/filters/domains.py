"""Ends of domains: those that chat links to (https://www.iana.org/domains/root/db, the usual ones of its
1,400)."""

_GENERIC = """
academy agency ai app art asia auction audio beauty best bet bid bike biz blog blue boutique build business buzz
cafe cam camera camp capital cards care careers cash casino cat center chat cheap church city claims click
clinic cloud club coach codes coffee community company computer contact cool coupons courses credit date dating
deals delivery design dev digital direct directory discount dog domains download earth education email energy
engineering events exchange expert express fail family fan fans farm fashion film finance financial fish fit
fitness flights football forsale foundation fun fund furniture fyi gallery game games garden gdn gift gifts
gives glass global gold golf graphics gratis green group guide guru hair haus health help hiphop holdings
holiday homes horse hospital host hosting house icu immo inc industries info ink institute insure international
investments jetzt jobs juegos kim kitchen land lat law lawyer lease legal life lighting limited link live loan
loans lol love ltd makeup management market marketing markets mba media memorial men mobi moda moe mom money
monster movie museum name navy network news ninja one online ooo org organic page partners parts party pet
pharmacy photo photography photos pics pictures pink pizza place plumbing plus poker porn press pro productions
promo properties property protection pub qpon quest racing realty recipes red rehab rent rentals repair report
rest restaurant review reviews rich rip rocks rodeo run sale salon sbs school science security services sex sexy
shoes shop shopping show singles site ski skin soccer social software solar solutions space sport store storage
stream studio study style sucks supplies supply support surf surgery systems tattoo tax taxi team tech
technology tel tennis theater tickets tips tires today tokyo tools top tours town toys trade trading training
travel tube university vegas ventures vet video villas vin vip vision vodka vote voyage watch webcam website
wedding wiki win wine work works world wtf xxx xyz yoga zip zone com net edu gov mil int arpa aero coop jobs
post
"""
_COUNTRIES = """
ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca
cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo
fr ga gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je
jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo
mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt
pw py qa re ro rs ru rw sa sb sc sd se sg sh si sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk
tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw рф бел укр мкд срб
қаз ею бг ελ ευ 中国 中國 台湾 台灣 香港 한국 日本 сайт онлайн дети москва 公司 网络 网址 在线 भारत ไทย مصر
السعودية امارات ایران المغرب موقع شبكة ישראל
"""
TOP_LEVEL = frozenset((_GENERIC + _COUNTRIES).split())
"""What the last label of a host may be."""
_AMBIGUOUS = """
al am an art as at au be best blue cat cool da date de do dog es et fail fan fans free fun game games green help
id in is ist it kim la land lat law les life lol love ma man md me men ml mm mo moe mom ms my na name ne news no
now on one ooo or pet place plus post ps py red rest rip rs run sale se sh show si skin so stream study su team
tips to today un us vote watch win wine work works world wtf zip zone
"""
AMBIGUOUS = frozenset(_AMBIGUOUS.split())
"""Ends that only count behind ``www.`` or before a path, as in ``t.me/name``. Else they are words behind a full
stop whose space is missing, or names of files."""
COMMON = frozenset(
    [
        "com",
        "net",
        "org",
        "info",
        "io",
        "gg",
        "tv",
        "ru",
        "xyz",
        "co",
        "uk",
        "de",
        "tk",
        "me",
        "shop",
        "site",
        "online",
        "live",
        "top",
        "link",
        "app",
    ]
)
"""Ends that people spell out ("example dot com")."""
