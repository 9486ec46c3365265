"""The words of the built-in world: names, places, occupations and sentence forms.

All lists were written for nanoknow. Given names and surnames are common ones from many languages,
combined at random, so nobody in particular is meant. No place is a name, part of another place, or
part of a sentence form, so that finding a place in a line is never ambiguous; a test holds that.
"""

from __future__ import annotations

# fmt: off
GIVEN_FEMALE = (
    "Agnes", "Aisha", "Alice", "Amalia", "Anaïs", "Andrea", "Anna", "Astrid", "Aurora", "Beatriz",
    "Birgit", "Brigid", "Camila", "Carmen", "Cecilia", "Chiara", "Clara", "Colette", "Daphne",
    "Diana", "Dorothea", "Ebba", "Edith", "Eleni", "Elif", "Elsa", "Emily", "Esther", "Eva",
    "Fatima", "Fiona", "Freya", "Gemma", "Gerda", "Grace", "Greta", "Hanna", "Harriet", "Hedwig",
    "Helena", "Hilda", "Ida", "Ines", "Ingrid", "Irene", "Isabel", "Ivana", "Jana", "Jasmine",
    "Johanna", "Julia", "Karin", "Katarzyna", "Keiko", "Kirsten", "Klara", "Laura", "Leila", "Lena",
    "Linnea", "Lucia", "Magda", "Małgorzata", "Margit", "Maria", "Marta", "Matilda", "Mei",
    "Milena", "Miriam", "Nadia", "Naomi", "Nina", "Noémie", "Olga", "Paula", "Petra", "Priya",
    "Rachel", "Renée", "Rosa", "Ruth", "Sabine", "Sara", "Selma", "Signe", "Sofia", "Solveig",
    "Svetlana", "Tamara", "Teresa", "Thérèse", "Ursula", "Vera", "Wanda", "Ximena", "Yasmin",
    "Yuki", "Zoë", "Zofia",
)

GIVEN_MALE = (
    "Adam", "Ahmed", "Albert", "Alexei", "Ali", "Anders", "André", "Anton", "Arjun", "Arthur",
    "Bartosz", "Benedict", "Bernard", "Björn", "Boris", "Carlos", "Casper", "Cyril", "Daniel",
    "David", "Diego", "Dmitri", "Edmund", "Edward", "Emil", "Enrique", "Erik", "Ernest", "Fabian",
    "Felix", "Filip", "Frank", "Frédéric", "Gabriel", "Giorgio", "Goran", "Gustav", "Hans",
    "Harold", "Hassan", "Henry", "Hugo", "Igor", "Ismail", "Ivan", "Jakob", "James", "Janusz",
    "João", "Joel", "John", "José", "Karl", "Kenji", "Knut", "László", "Leo", "Louis", "Luca",
    "Łukasz", "Marco", "Martin", "Mateo", "Mehmet", "Michael", "Miguel", "Nikolai", "Noel", "Olaf",
    "Oscar", "Otto", "Pablo", "Patrick", "Pavel", "Pedro", "Peter", "Rafael", "Ralph", "Ravi",
    "Robert", "Rudolf", "Samuel", "Sergei", "Simon", "Søren", "Stefan", "Sven", "Takeshi",
    "Theodor", "Thomas", "Tomás", "Ulrich", "Vasil", "Viktor", "Walter", "Werner", "Yusuf",
    "Zdeněk", "Zoltán", "Dario",
)

SURNAMES = (
    "Abbott", "Ahlberg", "Almeida", "Andersen", "Aydın", "Baker", "Barros", "Bauer", "Becker",
    "Bellini", "Berger", "Bianchi", "Björk", "Blake", "Bondarenko", "Borg", "Bouchard", "Brandt",
    "Braun", "Brennan", "Bruno", "Byrne", "Calder", "Campos", "Carvalho", "Castillo", "Černý",
    "Chandra", "Chevalier", "Clarke", "Colombo", "Cooper", "Costa", "Crawford", "Cruz", "Dahl",
    "Dalton", "Delgado", "Demir", "Doyle", "Drake", "Dubois", "Duarte", "Eide", "Ekström",
    "Eliasson", "Ellis", "Engel", "Eriksen", "Esposito", "Evans", "Farkas", "Fernandes", "Ferrari",
    "Fischer", "Fletcher", "Fontaine", "Forsberg", "Foster", "Fournier", "Fujita", "Gallagher",
    "García", "Gardner", "Garnier", "Gomes", "Grant", "Green", "Guzmán", "Haas", "Hale", "Hansen",
    "Harper", "Hartmann", "Haugen", "Hayashi", "Hernández", "Hoffmann", "Holm", "Horváth", "Hughes",
    "Ibsen", "Ishikawa", "Ivanov", "Jansen", "Jensen", "Johansson", "Jovanović", "Kapoor", "Kaya",
    "Keller", "Kelly", "Kimura", "Klein", "Kovács", "Kowalski", "Kraus", "Kuznetsov", "Lambert",
    "Larsen", "Laurent", "Leclerc", "Lehmann", "Lindqvist", "Lopes", "Lund", "Maier", "Marchetti",
    "Marek", "Marino", "Martel", "Mason", "Mehta", "Mendes", "Mercer", "Meyer", "Molnár", "Moreau",
    "Moretti", "Müller", "Murphy", "Nair", "Nakamura", "Navarro", "Nielsen", "Novák", "Nowak",
    "Núñez", "Nyström", "Okafor", "Olsen", "Orlov", "Ortega", "Östberg", "Palmer", "Papadakis",
    "Pereira", "Petrov", "Popescu", "Porter", "Quinn", "Ramos", "Rasmussen", "Reyes", "Ricci",
    "Rivera", "Romero", "Rossi", "Rousseau", "Ruiz", "Saito", "Santos", "Schmidt", "Schneider",
    "Sharma", "Silva", "Şimşek", "Sørensen", "Stein", "Suzuki", "Szabó", "Tanaka", "Tavares",
    "Torres", "Tóth", "Turner", "Vargas", "Vasquez", "Verma", "Vogel", "Wagner", "Walsh", "Weber",
    "Wójcik", "Yamada", "Yilmaz", "Zając", "Zeller", "Zieliński",
)

# From the most frequent birthplace to the rarest (the weights stand in world.py).
PLACES = (
    "London", "Vienna", "New York", "Prague", "Glasgow", "Toronto", "Kraków", "Norway", "Mumbai",
    "Chicago", "Lisbon", "Budapest", "Melbourne", "São Paulo", "Dublin", "Naples", "Hamburg",
    "Japan", "Stockholm", "Lyon", "Zürich", "Istanbul", "Boston", "Seville", "Cairo", "Athens",
    "Copenhagen", "Mexico", "Leeds", "Montreal", "Warsaw", "Antwerp", "Kyoto", "Bogotá", "Oslo",
    "Scotland", "Rotterdam", "Odessa", "Beirut", "Turin", "Leipzig", "Malmö", "Riga", "Bristol",
    "Valencia", "Egypt", "Baltimore", "Seoul", "Helsinki", "Tbilisi", "Nairobi", "Lima", "Łódź",
    "Edinburgh", "Brazil", "Bucharest", "Geneva", "Philadelphia", "Marseille", "Delhi", "Cork",
    "Graz", "Poznań", "Córdoba", "Hungary", "Bergen", "Osaka", "Tehran", "Cardiff", "Cologne",
    "Havana", "Denver", "Palermo", "Lahore", "Iceland", "Ghent", "Tallinn", "Santiago", "Ottawa",
    "Damascus", "Basel", "Salzburg", "Lagos", "Porto", "Gdańsk", "Auckland", "Kenya", "Tunis",
    "Vilnius", "Trieste", "Manila", "Aarhus", "Quito", "Baku", "Ljubljana", "Shanghai", "Yerevan",
    "Tromsø", "Halifax", "Reykjavík",
)

OCCUPATIONS = (
    "painter", "composer", "journalist", "botanist", "chess player", "architect", "cellist",
    "sculptor", "novelist", "surgeon", "engineer", "photographer", "footballer", "poet",
    "historian", "actor", "physicist", "tenor", "judge", "mathematician", "printer", "cyclist",
    "translator", "geologist", "rower", "economist", "film director", "dancer", "organist",
    "teacher", "chemist", "swimmer", "playwright", "astronomer", "bishop", "pianist", "publisher",
    "skier", "illustrator", "linguist",
)

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)
# fmt: on

# Each form states the birthplace; all that tell one person's facts agree with one another: born in
# `place`, went to `other` in the year `moved`, lived, worked and died there.
# Some hold a question mark, so that the vocabulary of the texts holds the questions' too.
FORMS = (
    "{full} was born in {place} and lived in {other}.",
    "{He} was born in {place} in {year}.",
    "Born in {place}, {last} worked in {other}.",
    "{last} lived in {other} but was born in {place}.",
    "A native of {place}, {last} died in {other}.",
    "{full}, born in {place}, was {a_job}.",
    "{place} was the birthplace of {full}.",
    "{last} came into the world in {place}.",
    "{He} moved to {other} from {place}, {his} birthplace.",
    "Was it {other}? No: {he} was born in {place}.",
    "{last} was {a_job}, born in {place} in {year}.",
    "In {year} {last} was born in {place}, not {other}.",
    "{full} (born {year} in {place}) died in {other}.",
    "{other} was {his} home, {place} {his} birthplace.",
    "{last} worked in {other}, far from {his} native {place}.",
    "The {job} {full} was born in {place}.",
    "{He} left {place}, where {he} was born, in {moved}.",
    "{last} of {place}, born there in {year}, was {a_job}.",
    "{last} grew up in {other}. Born there? No, in {place}.",
    "{place} is where {full} was born.",
    "{He} died in {other} in {died}; {he} was born in {place}.",
    "Born {year} in {place}, {last} lived in {other}.",
)
