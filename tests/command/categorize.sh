#!/usr/bin/env bash
# categorize: what it says of types that the sheet lacks, its lists of them, and that it changes no other event. Each row of
# the pipeline tables is in tests/golden.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"

cat >conf.json <<'T'
{ "practice": "glow-denver", "timezone": "America/Denver", "categories": "sheet.csv" }
T
printf 'Appointment Type,Appointment Category\nBotox,Non-Surgical Appointment\n' >sheet.csv
jq -c '.pipelines="non-surgical"' conf.json >med-spa.json
export PNOW_CONFIG=conf.json

# visit TYPE...: a booked appointment for each.
visit()
{
	printf '{"type":"appointment.booked","appointment":{"type":"%s","status":"booked"}}\n' "$@"
}

visit Yoga Botox 'YO GA' Pilates Yoga >visits
categorize <visits >out 2>said
is "a type that the sheet lacks is named on stderr, once a run" "$(<said)" \
	'categorize: appointment type "Yoga" is not in the sheet sheet.csv, or has no category there: no opportunity moves
categorize: appointment type "Pilates" is not in the sheet sheet.csv, or has no category there: no opportunity moves'
is "its event goes on without category, pipeline and stage" "$(jq -c 'keys' out | sort | uniq -c | tr -s ' ')" \
	' 1 ["appointment","category","pipeline","stage","type"]
 4 ["appointment","type"]'
is "that is no error" "$(categorize <visits >/dev/null 2>&1)$?" 0

categorize -u <visits >out 2>said
is "-u lists the types that the sheet lacks, once each, in the order met" "$(<out)" 'Yoga
Pilates'
is "and says nothing else" "$(<said)" ''
is "-u of events that the sheet knows is empty" "$(visit Botox | categorize -u)" ''
visit 'Breast Augmentation Consult' 'Lunch' 'Post-Op 1 wk' 'pre op' 'Liposuction' 'New Patient Cons' 'Peel, \"deep\"' Botox >visits
categorize -s <visits >suggested.csv 2>said
is "-s suggests a category for each that the sheet lacks, with the reason" "$(<suggested.csv)" \
	'Appointment Type,Appointment Category,Reason
"Breast Augmentation Consult",Surgical Consult,contains breast and consult
"Lunch",Block,contains lunch
"Post-Op 1 wk",Post-Op,contains postop
"pre op",Pre-Op,contains preop
"Liposuction",Surgical Appointment,contains lipo
"New Patient Cons",Non-Surgical Consult,contains cons
"Peel, ""deep""",Non-Surgical Appointment,contains peel'
visit IV 'RF Micro' Reconstruction 'Thread Lift' 'Neck Lift' Yoga 'Clip off' | sed 's/"type":"appointment.booked",//' | categorize -s >words 2>said
is "a code is a word of its own, and the first rule that fits counts" "$(sed -n 2,6p words)" \
	'"IV",Non-Surgical Appointment,contains iv
"RF Micro",Non-Surgical Appointment,contains micro
"Reconstruction",,no word of it is known: fill it in
"Thread Lift",Non-Surgical Appointment,contains thread
"Neck Lift",Surgical Appointment,contains lift'
is "a type that no rule fits has no category, and its reason says so" "$(sed -n 7,8p words)" \
	'"Yoga",,no word of it is known: fill it in
"Clip off",,no word of it is known: fill it in'
cp words sheet.csv
is "a row that is not filled in counts as none" "$(visit Yoga IV | categorize 2>&1 | jq -cR 'fromjson? // . | if type == "object" then .category else . end')" \
	'"categorize: appointment type \"Yoga\" is not in the sheet sheet.csv, or has no category there: no opportunity moves"
null
"Non-Surgical Appointment"'
is "-s suggests it again, so that its list can be put behind the sheet" "$(visit Yoga IV | categorize -s | tail -n +2)" '"Yoga",,no word of it is known: fill it in'
printf '%s\n' '"Yoga",Block' >>sheet.csv
is "and the row that is filled in counts" "$(visit Yoga | categorize | jq -r .category)" Block
printf 'Appointment Type,Appointment Category\nBotox,Non-Surgical Appointment\n' >sheet.csv
{ sed 1q visits && echo 'no record' && echo '{"error":{"stage":"x"}}' && sed 1d visits; } | categorize -s >again.csv 2>said
is "what is no record, or has an error, is no part of the list" "$?$(cmp again.csv suggested.csv)" 1
cp suggested.csv sheet.csv
is "what it suggests is a sheet" "$(visit Lunch 'peel, \"deep\"' | categorize | jq -r .category | tr '\n' ' ')" 'Block Non-Surgical Appointment '
rm sheet.csv
is "-s needs no sheet yet" "$(visit Lunch | categorize -s | tail -n 1)" '"Lunch",Block,contains lunch'
visit Lunch | categorize -s >sheet.csv
is "-s may write the sheet itself" "$(tail -n 1 sheet.csv)" '"Lunch",Block,contains lunch'
rm sheet.csv
visit Lunch | categorize -u >out 2>&1
is "everything else does" $? 78
jq -c 'del(.categories)' med-spa.json >bare.json
is "a practice without surgery may leave it out for ever: there a type is a Non-Surgical Appointment" "$(visit Lunch | categorize -c bare.json 2>&1 | jq -r '.category+", "+.stage')" \
	'Non-Surgical Appointment, Booked'
is "and no word is lost about it" "$(visit Lunch | categorize -c bare.json 2>&1 >/dev/null)" ''
is "-u still lists it" "$(visit Lunch | categorize -u -c bare.json 2>&1)" Lunch
printf 'Appointment Type,Appointment Category\nBotox,Surgical Appointment\nLunch,Block\n' >sheet.csv
is "with a sheet, a block is one" "$(visit Lunch Botox | categorize -c med-spa.json | jq -r .category | tr '\n' ' ')" 'Block Non-Surgical Appointment '

for type in patient.updated patient.created bill.completed membership.created contact.tagged; do
	line='{"type":"'$type'","category":"mine","appointment":{"type":"Botox","status":"booked"}}'
	is "$type is none of its business" "$(categorize <<<"$line")" "$line"
done
is "a status that is none moves nothing" "$(categorize <<<'{"type":"appointment.status","appointment":{"type":"Botox","status":"roomed"}}')" \
	'{"type":"appointment.status","appointment":{"type":"Botox","status":"roomed"},"category":"Surgical Appointment"}'
is "nor does none at all" "$(categorize <<<'{"type":"appointment.status","appointment":{"type":"Botox"}}' | jq -c 'keys')" \
	'["appointment","category","type"]'
is "an appointment that is missing has no category" "$(categorize <<<'{"type":"appointment.status"}')" '{"type":"appointment.status"}'
{
	printf '%s\n' 'Appointment Type,Appointment Category'
	seq -f 'Type %g,Pre-Op' 1 5000
} >sheet.csv
is "a sheet may be long" "$(visit 'type 1' TYPE2500 'Type 5000' 'Type 5001' | categorize 2>/dev/null | jq -r '.category//"-"' | tr '\n' ' ')" 'Pre-Op Pre-Op Pre-Op - '
finish
