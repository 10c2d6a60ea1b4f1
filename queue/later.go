package queue

import (
	"context"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/punctual-dev/punctual/database"
)

// grantLimit is how long granting an attempt may take.
const grantLimit = 5 * time.Second

// grantAttempt gives a running job one attempt more, since the one that ends now
// is not to use up a retry. River decides by the row it has in memory, the
// history shows the one in the database; where that cannot be reached, the
// attempt is granted all the same.
func (q *Queue) grantAttempt(ctx context.Context, job *rivertype.JobRow) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grantLimit)
	defer cancel()
	_ = q.db.Transaction(ctx, func(tx database.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE river_job SET max_attempts = max_attempts + 1 WHERE id = $1 AND attempt = $2 AND state = 'running'`, job.ID, job.Attempt)
		return err
	})
	job.MaxAttempts++
}
