/* Two-phase commit after Gray and Lamport, "Consensus on Transaction Commit", for Spin.
 *
 * The same states and steps as two_phase.rs: one process, since processes of their own would add
 * program counters to the state, and each step indivisible. N is the number of resource managers.
 */
#ifndef N
#define N 9
#endif

#define ALL ((1 << N) - 1)

#define WORKING 0
#define PREPARED 1
#define COMMITTED 2
#define ABORTED 3

#define OPEN 0

byte rm[N];     /* what each resource manager is */
byte tm;        /* what the transaction manager is */
short known;    /* one bit for each manager that is known to be prepared */
short said;     /* one bit for each message that says so */
bit commit;     /* the message that all commit */
bit abort;      /* the message that all abort */

#define STEPS_OF(i) \
	:: d_step { tm == OPEN && (said & (1 << i)) != 0 -> known = known | (1 << i) } \
	:: d_step { rm[i] == WORKING -> rm[i] = PREPARED; said = said | (1 << i) } \
	:: d_step { rm[i] == WORKING -> rm[i] = ABORTED } \
	:: d_step { commit -> rm[i] = COMMITTED } \
	:: d_step { abort -> rm[i] = ABORTED }

active proctype system()
{
end:	do
	:: d_step { tm == OPEN && known == ALL -> tm = COMMITTED; commit = 1 }
	:: d_step { tm == OPEN -> tm = ABORTED; abort = 1 }
	STEPS_OF(0)
#if N > 1
	STEPS_OF(1)
#endif
#if N > 2
	STEPS_OF(2)
#endif
#if N > 3
	STEPS_OF(3)
#endif
#if N > 4
	STEPS_OF(4)
#endif
#if N > 5
	STEPS_OF(5)
#endif
#if N > 6
	STEPS_OF(6)
#endif
#if N > 7
	STEPS_OF(7)
#endif
#if N > 8
	STEPS_OF(8)
#endif
#if N > 9
	STEPS_OF(9)
#endif
	od
}
