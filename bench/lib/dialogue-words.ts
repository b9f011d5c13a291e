/** Vocabulary of the generated dialogues. Nothing of it is known to the memory engine. */
const list = (text: string): readonly string[] => text.split('|').map((entry) => entry.trim())

export const PEOPLE = list(
  'Anna|Boris|Clara|Dmitri|Elif|Farid|Greta|Hugo|Ines|Jonas|Katya|Liam|Mira|Noah|Olga|Pavel|Quentin|Rosa|Sven|Tara|Uma|Viktor|Wanda|Xenia|Yusuf|Zoe|Amir|Berta|Cyril|Dora|Emil|Fiona|Gustav|Hanna|Igor|Julia|Kofi|Lena|Milan|Nadia',
)
/** Names that are words as well: folding and stemming confuse them with what they mean. */
export const NAMES_LIKE_WORDS = list(
  'Will|May|Mark|Rose|Grace|Hope|Art|Bill|Dawn|Faith|Frank|Ivy|Jack|Joy|Pat|Penny|Rob|Sandy|Summer|Drew',
)
export const CITIES = list(
  'Lisbon|Graz|Oslo|Porto|Krakow|Seville|Ghent|Turin|Malmo|Tartu|Bergen|Lyon|Bologna|Cork|Leeds|Riga|Split|Basel|Utrecht|Varna',
)
export const TOPICS = list(
  'honeymoon|kitchen renovation|piano recital|book club|allotment garden|sailing course|thesis defence|job interview|school reunion|wedding cake|camping trip|pottery class|marathon training|tax return|driving test|choir concert|chess tournament|birthday party|language exam|housewarming|photo exhibition|blood test|startup pitch|garage sale|ski holiday|film festival|cooking contest|charity run|dance lesson|museum visit',
)
export const CHOICES = list(
  'the blue one|a quiet place by the lake|the second offer|something cheaper|the early train|the smaller room|Saturday after lunch|the vegetarian menu|a used one|the old bakery|nobody yet|the one with the balcony|two weeks in June|the striped fabric|a rented van|the corner table',
)
export const ACTIVITIES = list(
  'ran my first half marathon|signed the lease for the studio|broke my wrist while skating|met the new neighbours|sold the old motorbike|finished the last chapter|planted three apple trees|lost my wallet at the station|passed the written exam|repaired the coffee grinder|adopted a greyhound|cooked for twelve people|saw a lynx near the cabin|moved the bees|recorded two songs|painted the fence green|fixed the roof of the shed|joined the fencing club|baked rye bread|bought a cello',
)
/** One fact said in two ways: {p} a proper detail that both share at most. */
/** One fact said in two ways, with no word in common or with one. */
export const PARAPHRASES: readonly (readonly [said: string, asked: string])[] = [
  ['My occupation is repairing violins in {c}', 'What does {n} do for a living?'],
  ['I grew up with four brothers on a farm outside {c}', 'How large was the family of {n} in childhood?'],
  ['Peanuts make my throat swell up badly', 'Which food is {n} allergic to, peanuts or milk?'],
  ['I rent a tiny flat above the pharmacy in {c}', 'Does {n} own or rent a home?'],
  [
    'The doctor put me on tablets against high blood pressure',
    'Which medication for blood pressure does {n} take?',
  ],
  ['My car is a twenty year old Volvo that never starts', 'What vehicle does {n} drive?'],
  ['I go swimming every morning before work', 'How does {n} keep fit?'],
  ['We named our little daughter Mathilda', 'What is the daughter of {n} called?'],
  ['I cannot stand horror films at all', 'Which movies does {n} dislike?'],
  ['I earned my degree in marine biology in {c}', 'In what did {n} get a university degree?'],
  ['Our dog is a deaf old terrier', 'What breed is the dog of {n}?'],
  ['I play the oboe in a wind quintet', 'Which instrument does {n} play?'],
  ['I quit smoking after the operation', 'When did {n} give up cigarettes?'],
  ['My favourite dish is lentil soup with lemon', 'What meal does {n} like best?'],
  ['I am terrified of heights, ladders included', 'What is {n} afraid of?'],
  ['I have been married to Teo for eleven years', 'Since when is {n} married?'],
]
export const CODED = list('parcel|booking|invoice|locker|ticket|router|policy|meter|warranty|membership')
export const SMALL_TALK = list(
  'How was your week?|I am so tired today.|That sounds lovely.|Did you sleep well?|The weather is awful again.|I laughed a lot about that.|Let us talk tomorrow.|Good point, I had not thought of it.|Could you send me the picture?|I am on the tram right now.|Same here, to be honest.|What a day.|I need more coffee.|You would not believe the queue at the shop.|Do you remember our trip?|That is exactly what I said.|I have to run, talk later.|My phone is nearly dead.|I made pancakes this morning.|We should meet soon.|No idea, really.|Thanks for asking!|Tell me more.|I was reading all evening.|The neighbours were loud again.',
)
export const ABOUT_TOPIC = list(
  'I keep thinking about the {t}.|The {t} cost more than expected.|Everybody asks me about the {t}.|I read an article about a {t}.|My cousin is planning a {t} as well.|Was the {t} your idea?|I dreamed about the {t}.|They postponed the {t}.|Honestly, the {t} stresses me.|I told my boss about the {t}.',
)
