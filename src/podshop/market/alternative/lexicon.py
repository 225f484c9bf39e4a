"""The desk's own words for good and bad news, -4..4 for the holder of the stock.

A line is a weight and terms after a colon, comma-separated; `{a|b}` is a or b, `..` up to three
words in between; an indented line goes on. Written for podshop; a term takes the place of what the
general word list says; 0 silences a word that means something else on the desk.
"""

import itertools
import re
from collections.abc import Iterator

WORDS = """
3: {beats|beat|tops|topped|exceeds|exceeded|surpasses|surpassed} ..
  {estimates|forecasts|expectations|consensus|view|views|street|plan}
3: blows past, blew past, ahead of {consensus|estimates|expectations|forecasts|plan|schedule},
  above {estimates|expectations|consensus|forecasts}, well above
3: {raises|raised|lifts|lifted|hikes|hiked|boosts|boosted|ups} ..
  {guidance|outlook|forecast|target|targets|dividend|payout|rating|estimates|goal}
-3: {cuts|cut|lowers|lowered|slashes|slashed|trims|trimmed|reduces|reduced} ..
  {guidance|outlook|forecast|target|targets|dividend|payout|rating|estimates|goal}
-3: {misses|missed|miss} .. {estimates|forecasts|expectations|consensus|targets|lines|line|views}
-3: {falls|fell|fall} short, below {estimates|expectations|consensus|forecasts|plan}, short of
  {estimates|expectations|forecasts}
-3: {withdraws|withdrew|pulls|suspends|suspended|scraps} ..
  {guidance|outlook|forecast|dividend|buyback}
-3: profit warning, warns on, warns of, warns, going concern, material weakness
-3.5: chapter 11, chapter 7, bankruptcy, files for bankruptcy, bankrupt, insolvent, insolvency,
  default, defaults, defaulted, delisting, delisted, accounting fraud, fraud, ponzi
2.5: {emerges from|avoids|averts|escapes} .. {bankruptcy|default|chapter
  11|delisting|strike|walkout}
3: record {profit|quarter|revenue|sales|earnings|high|results|orders|year|half|demand}, all-time
  high, best year, best quarter, best first half, record to, to record high
2.5: swings to .. profit, returns to .. profit, turns .. profit, {loss|losses}
  {narrows|narrowed|shrinks}, narrower loss, narrower than expected
-3: swings to .. loss, {loss|losses} {widens|widened|deepens|mount|mounts}, wider loss, surprise
  loss, wider than expected
2.5: {upgrade|upgraded|upgrades}, raised to {buy|overweight|outperform}, at
  {outperform|overweight|buy}, top pick, investment grade, overweight call, price target
  {raised|hiked|lifted}, bullish, upside
-2.5: {downgrade|downgraded|downgrades}, cut to {sell|underweight|underperform|neutral|hold|junk},
  at {underperform|underweight|sell}, watch negative, negative outlook, junk, price target
  {cut|slashed|halved|lowered}, bearish, overvalued, stretched valuation
2: {wins|won|lands|landed|secures|secured|clinches|clinched|bags|inks} ..
  {contract|order|orders|deal|pact|licence|license|clearance|approval|verdict|funding}
-2.5: {loses|lost} .. {contract|order|customer|licence|license|case|appeal}
3: takeover premium, a premium, sweetens offer, raises bid, bidding war, agrees to be bought,
  agreed to be acquired, buyout offer, takeover offer
-2.5: {deal|merger|takeover|talks|bid|offer|buyout} {collapses|collapsed|fails|falls
  through|breaks down|break down|scrapped|terminated}, move to block, sues to block, blocks
  merger, overpays, rejects bid
2: {buyback|repurchase} {program|plan|authorised|authorized}, approves .. buyback, buyback, share
  repurchase, special dividend, dividend increase, initiates dividend, insider buying, insiders
  buy, insiders load up, debt free, pays off, takes stake, to join s&p 500
-2.5: dilutive, share sale at a discount, secondary offering, dilution, breach, covenants, short
  seller, short report, house of cards, insider selling, dumps, dumped, dividend cut, writedown,
  write-down, writes off, impairment, goodwill charge
3: {fda|regulator|regulators} {approves|approved|clears|cleared}, fda approval, wins approval,
  meets main goal, meets primary endpoint, met primary endpoint, breakthrough, efficacy, votes in
  favour, votes in favor, positive trial, fast track
-3: {fda|regulator|regulators} {rejects|rejected|declines}, complete response letter,
  {fails|failed|halts|halted|stops} .. {trial|study|test|phase}, missed primary endpoint, clinical
  hold, safety scare, side effects, patient death, votes against, black box warning
-2.5: {recalls|recall|recalled}, defects, defect, defective, faulty, flaw, flaws, contaminated,
  contamination, malfunction, {delays|delayed|postpones|postponed|pushes back|pushed back}
-2.5: {sec|doj|ftc} {charges|probes|investigates|sues}, charged with, {sued|sues} over, lawsuit,
  class action, accused of, raid, raids, raided, probe, subpoena, indicted, indictment, bribing,
  bribery, fined, fine, penalty, restate, restates, restatement, violations, misconduct, antitrust
  suit, liability
2: {court|judge} {throws out|dismisses|sides with}, wins appeal, clears .. of wrongdoing, cleared
  of, without charges, patent verdict, wins .. verdict, hands victory, {settles|settled} .. less
  than, drops probe, probe dropped, lawsuit dismissed
-2: {ceo|cfo|chief|auditor} {resigns|quits|ousted|fired|steps down abruptly|departs abruptly},
  {finance chief|chief executive} {resigns|quits|ousted}, resigns abruptly, abruptly, amid audit,
  managers leave, ousted
-2: layoffs, lay off, lays off, job cuts, strike, walk out, walkout, shutdown, idled, idles,
  shuts, closure, closures, outage, halts production, suspends production, furlough, understaffed
2: ending strike, ends strike, averts walkout, ratifies deal, reopens, restarts, resumes
  production, back online
-2.5: plunge, plunges, plunged, plummet, plummets, plummeted, tumble, tumbles, tumbled, slump,
  slumps, slumped, crash, crashes, crashed, nosedive, nosedives, collapse, collapses, collapsed,
  crater, craters, sinks, sink, sank, tanks, tanked, slide, slides, slid, skid, skids, selloff,
  sell-off, rout, freefall
2.5: soar, soars, soared, surge, surges, surged, skyrocket, skyrockets, rally, rallies, rallied,
  jump, jumps, jumped, climb, climbs, climbed, spike higher, rebound, rebounds, rebounded,
  outperform, outperforms, outperformed, breaks out, gains, gained
-1.5: {shares|stock}
  {fall|falls|fell|drop|drops|dropped|down|slip|slips|dip|dips|decline|declines|lower}, decline,
  declines, declined, drops, dropped, slips, slipped, dips, shrink, shrinks, shrank, weak, weaker,
  weakness, soft, softening, softer, sluggish, slowing, slowdown, slows, headwind, headwinds,
  pressure, pressured, sag, sags, retreats, reel, hurt, hurts
1.5: {shares|stock} {rise|rises|rose|up|gain|higher|advance|advances}, growth, grows, growing,
  grew, strong, stronger, strength, robust, solid, resilient, tailwind, tailwinds, momentum,
  accelerates, accelerating, expands, improves, improved, improving, higher, upbeat, optimistic,
  confident, favoured, favored
2: demand {soars|surges|grows}, outstrip supply, sold out, order book, backlog grows, strong
  demand, strong uptake, pricing power, market share gains, margins widen, margin expansion,
  widen, doubles, doubled, triples, tripled, tenfold, double-digit, windfall, jackpot, bumper,
  thaws, thaw, recovery, eased, easing, easing supply, profitable, break-even, ahead of plan
-2: {sales|revenue|profit|earnings|orders|demand|bookings}
  {shrink|falls|fall|fell|drops|decline|declines|sag|slip|slow|evaporate|dry up|plunges|slump},
  cost overruns, costs balloon, squeezed, burns through, cash burn, cash crunch, light, inflation,
  glut, oversupply, supply shortage, shortage, bottleneck, price war, competition intensifies,
  loses share, defects to, losing customers, cancelled, canceled, cancels, cancelled order,
  bleeds, desert, dries up, drought, mired, stalls, stalled, fizzles, evaporate, evaporates,
  uncertainty
-2.5: explosion, fire, catches fire, leak, spill, hack, hacked, cyberattack, ransomware, data
  breach, grounds fleet, grounded, derailment, crack, cripples, hurricane losses, wildfire,
  outbreak, crackdown, sanctions, curbs, seized, expropriated
2: resolves, resolved, exemption, curbs are eased, lifts ban, ban lifted, overblown, not as bad as
  feared, less than feared, better than feared, sooner than feared, better than expected, than
  hoped, no recall, stress test passed, pass stress tests, shakes off, room to spare, savings
  rise, ahead of schedule, synergies
-2: worse than expected, worse than feared, disappoint, disappoints, disappointing, disappointed,
  lackluster, lacklustre, dismal, grim, tougher, tougher than, struggles, struggling, caution,
  cautions, cautious, worries, deepen, doubts, fears, concern, concerns, setback, downbeat, not
  enough, no longer expects, may not survive, worsens, hammered, slowing growth, unprofitable,
  wipe out, underwhelms, unravels, woes, turmoil, trouble, balk, accuses, halved, loses only
1: shine, shines, cheered, boost, boosts, benefits, helping, approves, approval, premium,
  milestone, launches successfully, award, awarded, upbeat on, oversubscribed, expands capacity,
  strategic investment, wins
0: share, shares, security, securities, united, energy, interest, trust, gross, special, stock
  split, care, value, play, active, top, treasury, matter, party, chance, alliance, join, joins,
  questions, committee, vision, natural, number, like, please, capital, credit, appeals, admits,
  share count, hearing, regret, gold, shelf registration, charge, arrest warrant, freedom, pay,
  hurricane season, stress test calendar, stress test, watch list, trading halt, news pending
  halt, in line with, in line, reiterates, unchanged, maintains, safety, phase 2, interest rate,
  mortgage rates unchanged
"""

_BRACES = re.compile(r"\{([^{}]*)\}")


def terms() -> dict[str, float]:
    """Every term and its weight, -4..4; `..` stands for up to three words."""
    weights: dict[str, float] = {}
    for line in WORDS.strip().replace("\n  ", " ").splitlines():
        weight, _, listed = line.partition(":")
        for pattern in listed.split(","):
            for term in _spelled(pattern.strip()):
                weights[term] = float(weight)
    return weights


def _spelled(pattern: str) -> Iterator[str]:
    """A pattern with each choice of its braces."""
    parts = _BRACES.split(pattern)
    choices = [part.split("|") if i % 2 else [part] for i, part in enumerate(parts)]
    return ("".join(pick) for pick in itertools.product(*choices))
