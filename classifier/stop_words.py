"""Words that hold a sentence together and say nothing by themselves: no reason to show for a score.

The most frequent function words of the languages whose comments are often marked; in the form that
classifier.normalize gives.
"""

from classifier.normalize import read

_WORDS = """
a about after again against all am an and any are as at be because been before being below between both but by
can could did do does doing don down during each few for from further get go got had has have having he her
here hers him his how i if in into is it its just like ll me more most my myself no nor not now of off on once
one only or other our out over own re s same she should so some still such t than that the their them then
there these they this those through to too under until up ve very was we were what when where which while who
whom why will with would you your yours
aber als am an auch auf aus bei bin bis bist da damit das dass dein deine dem den der des die dir doch du
durch ein eine einem einen einer er es euch für hat ich ihr im in ist ja kann kein mein mich mir mit nach
nicht noch nur oder ohne schon sein sich sie sind so und uns vom von vor war was weil wenn wer wie wir wird zu
zum zur
au aux avec ce ces cette dans de des du elle en est et il ils je la le les leur lui ma mais me mes moi mon ne
nous on ou par pas pour qu que qui sa se ses son sont sur ta te tes toi ton tu un une vos votre vous y
al como con cuando de del desde el ella en era es esa ese eso esta este esto la las le les lo los me mi mis
más muy no nos o para pero por porque que se ser si sin sobre su sus también te tu tus un una uno y ya yo
ao aos as com como da das de do dos e ela ele em era essa esse esta este eu foi isso já lhe mais mas me meu
minha muito na nas no nos não o os ou para pela pelo por que se ser seu sua só também te tem um uma você
ai al alla anche che chi ci come con da dal degli dei del della di e gli ha hanno i il in io la le lei lo loro
lui ma mi mia mio ne nel no noi non o per perché più se sei si sia sono su sua suo ti tra tu un una uno vi voi
è
aan als bij dan dat de die dit een en er had heb hebben heeft het hij hoe ik in is je kan maar me met mij mijn
naar niet nog nu of om ook op over te tot uit van voor wat we wel wij zal ze zich zijn zo zou
a ale bez być był była było co czy dla do go i ich ja jak je jego jej jest już ich ma mi mnie na nad nie o od
on ona oni po pod się są ta tak te tego tej ten to tu ty w we z za ze że
"""

STOP_WORDS = frozenset(read(word) for word in _WORDS.split())
